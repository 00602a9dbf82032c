"""What a model writes becomes readable, is the same however it comes in, and can do no harm."""

from playwright.sync_api import expect

from tests.browser.scripted_worker import Hold, Instead

MARKDOWN = r"""# A heading

Some **bold**, *italic* and `code`. It costs $5 and $10, or US$7; but $x^2 + y^2 = r^2$ and \(e^{i\pi}\)
are formulas, as are $\vec{a}$ and $\pmb{b}$; $\broken{$ is not.

Not yet a list
- but now
- it is

1. First
   - nested

2. Second

   with a paragraph

| Item | Count | Price |
|:-----|:-----:|------:|
| Cappuccino | 2 | 7.60 |

```python
def total(prices):
    return sum(prices)  # 20.40

```

$$
\int_0^1 x\,dx = \frac{1}{2}
$$

> A quotation
> of two lines

A setext heading
---

[A link][ref] and a parrot 🦜, then [^1] as text.

[ref]: https://example.org/page "Title"
"""


def test_markdown_mathematics_and_code_are_shown_as_such(chat, worker):
    worker.will_say(MARKDOWN)
    chat.ask_and_wait()
    text = chat.reply_text
    expect(text.get_by_role("heading", name="A heading")).to_be_visible()
    expect(text.get_by_role("table")).to_contain_text("Cappuccino")
    expect(text.locator("td").nth(2)).to_have_css("text-align", "end")
    expect(text).to_contain_text("It costs $5 and $10, or US$7; but")
    expect(text.locator(".katex")).to_have_count(5)
    expect(text.locator(".katex-display")).to_have_count(1)
    expect(text.locator(".hljs-keyword").first).to_have_text("def")
    expect(text.get_by_role("link", name="A link")).to_have_attribute("rel", "noopener noreferrer nofollow")
    expect(text.get_by_role("link", name="A link")).to_have_attribute("target", "_blank")
    chat.expect_accessible()


def test_a_text_that_comes_in_pieces_ends_up_as_if_it_came_at_once(chat, worker):
    worker.will_say(MARKDOWN)
    chat.ask_and_wait()
    expect(chat.reply_text.locator(".is-drawn")).to_have_count(5)
    expect(chat.reply_text.locator(".hljs-keyword").first).to_be_visible()
    at_once = chat.reply_text.inner_html()
    for size in (1, 7):
        worker.will_say(*[MARKDOWN[start : start + size] for start in range(0, len(MARKDOWN), size)])
        chat.ask_and_wait()
        expect(chat.reply_text.locator(".is-drawn")).to_have_count(5)
        expect(chat.reply_text.locator(".hljs-keyword").first).to_be_visible()
        assert chat.reply_text.inner_html() == at_once


def test_prices_are_left_alone_and_formulas_are_not(chat):
    prices = [
        "$5 and $10",
        "$5-$10",
        "US$5/A$6",
        "$5 (or 4$) each",
        "$ 5$",
        "$5 million$",
        "$HOME is set, $PATH too",
        "a $ b $ c",
        "$$",
        "$5",
        "\\(x",
    ]
    formulas = [
        "$x$",
        "$2xy = 4$",
        "$5$",
        "$2x$",
        "$5 + 3 = 8$",
        "$10\\%$",
        "\\(x\\)",
        "\\[x\\]",
        "$$x$$",
        "$f(x)$",
        "$a\\$b$",
    ]
    chat.begin_to_write()
    found = chat.page.evaluate(
        """async (texts) => {
            const loaded = performance.getEntriesByType("resource").map(({ name }) => name);
            const { formulaAt } = await import(loaded.find((name) => name.includes("/lib/mathematics.")));
            const anywhere = (text) => [...text].some((_, start) => formulaAt(text, start).end);
            return texts.filter(anywhere);
        }""",
        prices + formulas,
    )
    assert found == formulas


def test_what_is_closed_is_not_drawn_again(chat, worker):
    hold = Hold()
    worker.will_say("The first paragraph.\n\nThe second", hold, " one grows.\n\nA third.")
    chat.ask("Speak.")
    chat.expect_text("The first paragraph. The second")
    expect(chat.reply_text.locator("p")).to_have_count(
        2
    )  # as one it would stand unread, and be drawn once more
    chat.reply_text.locator("p").first.evaluate("(element) => { element.dataset.seen = 'yes'; }")
    hold.set()
    chat.expect_state("complete")
    expect(chat.reply_text.locator("p")).to_have_count(3)
    expect(chat.reply_text.locator("p").first).to_have_attribute("data-seen", "yes")


def test_text_that_a_worker_takes_back_is_replaced(chat, worker):
    hold = Hold()
    worker.will_say("I think it is a cat.\n\nOr a", hold, Instead("It is a dog."), " Surely.")
    chat.ask("What is it?")
    chat.expect_text("I think it is a cat. Or a")
    hold.set()
    chat.expect_text("It is a dog. Surely.")
    chat.expect_state("complete")


def test_words_from_right_to_left_begin_at_the_right(chat, worker):
    worker.will_say("مرحبا بك\n\n- واحد\n\nAnd English.")
    chat.write("ما هذا؟")
    expect(chat.message).to_have_css("unicode-bidi", "plaintext")
    chat.ask_and_wait("ما هذا؟")
    gaps = chat.reply_text.evaluate(
        """(text) => [...text.querySelectorAll("p")].map((paragraph) => {
            const words = document.createRange();
            words.selectNodeContents(paragraph);
            const [inner, outer] = [words.getBoundingClientRect(), paragraph.getBoundingClientRect()];
            return outer.right - inner.right < inner.left - outer.left ? "right" : "left";
        })"""
    )
    assert gaps == ["right", "right", "left"]


def test_what_a_visitor_types_is_shown_as_typed(chat):
    typed = "<b>bold?</b> **no** <script>alert(1)</script>\n<image>"
    chat.ask_and_wait(typed)
    expect(chat.questions.last.locator(".question-text")).to_have_text(typed, use_inner_text=True)


def test_code_can_be_copied(chat, worker):
    chat.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    worker.will_say("```python\nprint('hello')\n```")
    chat.ask_and_wait()
    chat.button("Copy code").click()
    expect(chat.button("Copied")).to_be_visible()
    assert chat.page.evaluate("navigator.clipboard.readText()") == "print('hello')\n"


def test_the_page_stays_at_the_newest_text_unless_the_reader_moves_up(chat, worker):
    hold = Hold()
    worker.will_say("Line.\n\n" * 60, hold, "The end of it.", Hold())
    chat.ask("Speak.")
    expect(chat.reply_text.locator("p")).to_have_count(60)
    expect(chat.reply_text.locator("p").last).to_be_in_viewport()
    chat.page.locator("#scroller").hover()
    chat.page.mouse.wheel(0, -1500)
    expect(chat.button("To the newest")).to_be_visible()
    hold.set()
    expect(chat.reply_text.locator("p")).to_have_count(61)
    expect(chat.reply_text.locator("p").last).not_to_be_in_viewport()
    chat.button("To the newest").click()
    expect(chat.reply_text.locator("p").last).to_be_in_viewport()
    chat.button("Stop").click()


def test_what_a_model_thinks_is_folded_and_not_copied(chat, worker):
    chat.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    hold, later = Hold(), Hold()
    worker.will_say("<thi", "nk>Is it a **cat**?", hold, " It is.</think>\n\nA cat", later, ".")
    chat.ask("What is it?")
    fold = chat.reply.get_by_role("group")
    expect(fold).to_have_text("Thinking…")
    chat.expect_accessible()
    hold.set()
    chat.expect_text("A cat")
    expect(fold).to_have_text("Thoughts before the answer")
    fold.get_by_text("Thoughts before the answer").click()
    expect(fold.locator(".text")).to_have_text("Is it a cat? It is.")
    expect(fold.locator("strong")).to_have_text("cat")
    chat.expect_accessible()
    later.set()
    chat.expect_state("complete")
    chat.button("Copy").click()
    expect(chat.reply.get_by_role("status")).to_have_text("Copied")
    assert chat.page.evaluate("navigator.clipboard.readText()") == "A cat."


def test_thoughts_that_began_in_the_prompt_are_folded_too(chat, worker):
    worker.will_say("Is it a cat?\n\nIt is.\n</think>\n\nA cat.")
    chat.ask_and_wait()
    chat.expect_text("A cat.")
    expect(chat.reply.get_by_role("group")).to_have_text("Thoughts before the answer")


def test_who_writes_about_thinking_has_not_thought(chat, worker):
    worker.will_say("End it with `</think>`, and begin with <think>.")
    chat.ask_and_wait()
    chat.expect_text("End it with </think>, and begin with <think>.")
    expect(chat.reply.get_by_role("group")).to_have_count(0)
