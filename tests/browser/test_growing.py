"""A text that grows: nothing that is done changes, nothing unfinished shows its marks, and the work does not grow."""

import pytest

# `growing(text, look)` shows a text character by character.
GROWING = """
    const loaded = performance.getEntriesByType("resource").map(({ name }) => name);
    const { loadReading, RichText } = await import(loaded.find((name) => name.includes("/components/rich_text.")));
    await loadReading();
    const frame = () => new Promise(requestAnimationFrame);
    const place = () => {
        const element = document.createElement("div");
        element.className = "text";
        document.getElementById("log").append(element);
        return element;
    };
    const libraries = place();
    new RichText(libraries).update("$x$\\n```python\\ndef f(): pass\\n```", { done: true });
    while (!libraries.querySelector(".is-drawn") || !libraries.querySelector(".hljs-keyword")) await frame();
    performance.now = () => 0; // a slow machine must not draw less often
    const growing = (text, look) => {
        const element = place();
        const shown = new RichText(element);
        for (let end = 1; end <= text.length; end += 1) {
            shown.update(text.slice(0, end), { done: false });
            look(element, text.slice(0, end));
        }
        shown.update(text, { done: true });
        look(element, text);
    };
"""

# Every construct with its end, and everything that looks like one and is none; link definitions come first.
NASTY = r"""[ref]: https://example.org "Title"

# A heading with *stars* and `code`

Some **bold**, *italic*, ~~gone~~, **bold with `code` in it**, ***both***, __too__.
$5 and $10; 5*3 and 6*2, 3 * 4, a_b_c,
$x^2 + y^2 = r^2$, \(e^{i\pi}\), $$\frac{1}{2}$$ &amp; &copy; & so on. [A link](https://example.org/a_(b)) and
![a picture](https://example.org/x.png)! Wow! A [link][ref], <https://example.org/auto>, \* star \\ slash, a < b > c.

- one
- two **bold**

  with [1], [[61, 283, 158, 378]] and [^1]
- [x] three `finished`
   1. nested
   2. twice
      ```python
      code = "**x**"  # | y
      ```
      | a | b |
      |---|---|
      | c | `d` |
- last

***

| Item | Count | **bold** |
|:-----|------:|---|
| a `x` | **2** | x
| b | 3 | $x$ |

```python
def f(x):
    return x  # *no* ```
- x

```
$$
a
- b
= c
$$

\[
x = \begin{cases} 1 \\ 2 \end{cases}
\]

[^1]: note

Setext *one*
---
> quote *a b* c
> - list `x`
> ## head

1. First

2. Second **x**
10. Tenth

~~~
tilde
~~~
    indented code
End of **it**."""


def test_no_mark_of_something_unfinished_is_shown_and_no_word_that_changes(chat):
    """At every character, what is shown is how the whole text begins."""
    differing = chat.page.evaluate(
        """async (text) => {"""
        + GROWING
        + """
            const words = (element) => {
                const copy = element.cloneNode(true);
                for (const bar of copy.querySelectorAll(".code-bar")) bar.remove();
                for (const formula of copy.querySelectorAll(".mathematics")) formula.textContent = "∎";
                return copy.textContent.replace(/\\s+/g, "");
            };
            const seen = [];
            growing(text, (element, sofar) => seen.push([sofar.slice(-20), words(element)]));
            const whole = seen.at(-1)[1];
            return seen.filter(([, shown]) => !whole.startsWith(shown)).map(([end, shown]) => [end, shown.slice(-20)]);
        }""",
        NASTY,
    )
    assert differing == []


def test_what_is_done_stays_the_same_nodes_with_the_same_content(chat):
    """Blocks before the last, items and rows before the last, lines of code before the last."""
    changed = chat.page.evaluate(
        """async (text) => {"""
        + GROWING
        + """
            const done = new Map();
            const changed = [];
            growing(text, (element, sofar) => {
                for (const [node, content] of done) {
                    if (element.contains(node) && node.outerHTML === content) continue;
                    changed.push([sofar.slice(-20), content, node.outerHTML]);
                }
                const parts = ":scope > *, :scope > :is(ul, ol) > li, :scope > .table-frame tr";
                for (const node of element.querySelectorAll(parts)) {
                    if (node.nextElementSibling && !done.has(node)) done.set(node, node.outerHTML);
                }
            });
            return done.size > 15 ? changed : [`only ${done.size} were done`];
        }""",
        NASTY,
    )
    assert changed == []


@pytest.mark.parametrize(
    "line",
    [
        "A sentence, and\n",
        "A paragraph.\n\n",
        "- an item\n",
        "| a | row |\n",
        "a line of code\n",
        "$x$ is **it**\n\n",
    ],
    ids=["line", "paragraph", "item", "row", "code", "formula"],
)
def test_the_changes_of_the_document_for_each_piece_do_not_grow_with_the_text(chat, line):
    beginning = {"a line": "```text\n", "| a | ": "| a | b |\n|---|---|\n"}.get(line[:6], "")
    early, late = chat.page.evaluate(
        """async ([beginning, line]) => {"""
        + GROWING
        + """
            const counts = [];
            const everything = { subtree: true, childList: true, characterData: true, attributes: true };
            let observer = null;
            growing(beginning + line.repeat(300), (element) => {
                if (!observer) {
                    observer = new MutationObserver(() => {});
                    observer.observe(element, everything);
                }
                let nodes = 0;
                for (const record of observer.takeRecords()) nodes += 1 + record.addedNodes.length;
                counts.push(nodes);
            });
            const size = 20 * line.length;
            const sum = (some) => some.reduce((total, count) => total + count, 0);
            return [sum(counts.slice(size, 2 * size)), sum(counts.slice(-size - 1, -1))];
        }""",
        [beginning, line],
    )
    assert 0 < late <= 1.1 * early
