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


def test_cut_at_every_character_the_blocks_stay_those_of_the_whole_text(chat):
    differing = chat.page.evaluate(
        """async (text) => {
            const loaded = performance.getEntriesByType("resource").map(({ name }) => name);
            const { MarkdownStream } = await import(loaded.find((name) => name.includes("/lib/stream.")));
            const whole = new MarkdownStream().advance(text, { done: true }).closed;
            const withoutDefinitions = (html) => html.replace(/<a .*?>(.*?)<\\/a>/g, "[$1][ref]");
            const stream = new MarkdownStream();
            const closed = [];
            for (let end = 1; end < text.length; end += 1) closed.push(...stream.advance(text.slice(0, end)).closed);
            closed.push(...stream.advance(text, { done: true }).closed);
            return closed.filter((html, index) => html !== withoutDefinitions(whole[index] ?? ""));
        }""",
        MARKDOWN,
    )
    assert differing == []


def test_prices_are_left_alone_and_formulas_are_not(chat):
    prices = [
        "$5 and $10",
        "$5-$10",
        "US$5/A$6",
        "$5 (or 4$) each",
        "$ 5$",
        "$5 million$",
        "a $ b $ c",
        "$$",
        "$5",
        "\\(x",
    ]
    formulas = [
        "$x$",
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
    found = chat.page.evaluate(
        """async (texts) => {
            const loaded = performance.getEntriesByType("resource").map(({ name }) => name);
            const { mathematicsAt } = await import(loaded.find((name) => name.includes("/lib/mathematics.")));
            const anywhere = (text) => [...text].some((_, start) => mathematicsAt(text, start));
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


def test_grounding_marks_look_like_text(chat, worker):
    worker.will_say("<ref>the cup</ref><box>[[61, 283, 158, 378]]</box>")
    chat.ask_and_wait()
    chat.expect_text("<ref>the cup</ref><box>[[61, 283, 158, 378]]</box>")


PAYLOADS = [
    "<img src=x onerror=alert(1)>",
    "<script>alert(1)</script>",
    "<svg onload=alert(1)>",
    "[click](javascript:alert(1))",
    "[click](JaVaScRiPt:alert(1))",
    "[click](data:text/html,<script>alert(1)</script>)",
    "[click](vbscript:alert(1))",
    "[click](/admin/logout/)",
    "![pixel](https://evil.example/x.png)",
    '![x](x "onerror=alert(1)")',
    '<https://evil.example/"onmouseover=alert(1)>',
    "[x]: javascript:alert(1)\n\n[x]",
    "$\\href{javascript:alert(1)}{x}$ and $\\htmlStyle{color:red}{x}$ and $\\fcolorbox{red}{blue}{x}$",
    "$\\includegraphics{https://evil.example/x.png}$",
    "$$\\def\\a{\\a\\a}\\a$$",
    "```html\n<img src=x onerror=alert(1)>\n```",
    '```"><img/src/onerror=alert(1)>\ncode\n```',
    "<style>*{display:none}</style>",
    "<iframe src=https://evil.example></iframe>",
    '<a href="https://ok.example" style="position:fixed;inset:0">x</a>',
    "| <img src=x onerror=alert(1)> |\n|-|\n| <b onclick=alert(1)>x</b> |",
    "<form action=https://evil.example><input name=x></form>",
    "&#60;img src=x onerror=alert(1)&#62;",
    "\u202e<script>\u0000alert(1)</script>",
]


def test_hostile_text_does_nothing(chat, worker):
    worker.will_say("\n\n".join(PAYLOADS).replace("\u0000", ""))
    chat.ask_and_wait()
    text = chat.reply_text
    forbidden = "img, script, svg[onload], iframe, style, form, input, [onclick], [onerror], [style*=fixed]"
    expect(text.locator(forbidden)).to_have_count(0)
    hrefs = text.locator("a").evaluate_all("(links) => links.map((link) => link.getAttribute('href'))")
    assert {href.split(":")[0] for href in hrefs if href} <= {"https", "http", "mailto"}


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
