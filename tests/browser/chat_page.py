"""The page as its visitors know it: what they do, and what they see."""

import re
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

ROOT = Path(__file__).resolve().parents[2]
PICTURES = ROOT / "test-results" / "pictures"
EXAMPLES = ROOT / "static" / "examples"
expect.set_options(timeout=20_000)


class ChatPage:
    """One tab. Everything the browser complains about is kept, and fails the test at its end."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url
        self.complaints: list[str] = []
        self.allowed: list[str] = []
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.complaints.append(f"exception: {error}"))
        page.on("request", self._requested)
        page.on(
            "dialog", lambda dialog: self.complaints.append(f"dialog: {dialog.message}") or dialog.dismiss()
        )

    def _heard(self, message) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.type}: {message.text} ({message.location.get('url', '')})")

    def _requested(self, request) -> None:
        if not request.url.startswith((self.url, "blob:", "data:")):
            self.complaints.append(f"asked another host: {request.url}")

    def allow(self, words: str) -> None:
        """Let the browser complain of something that a test causes on purpose."""
        self.allowed.append(words)

    def assert_no_complaints(self) -> None:
        rest = [words for words in self.complaints if not any(allowed in words for allowed in self.allowed)]
        assert not rest, "\n".join(rest)

    # What there is

    def button(self, name: str):
        return self.page.get_by_role("button", name=name, exact=True)

    @property
    def message(self):
        return self.page.get_by_role("textbox", name="Message", exact=True)

    @property
    def model(self):
        return self.page.get_by_role("combobox", name="Model", exact=True)

    @property
    def log(self):
        return self.page.get_by_role("log")

    @property
    def questions(self):
        return self.log.locator("article.question")

    @property
    def replies(self):
        return self.log.locator("article.reply")

    @property
    def reply(self):
        return self.replies.last

    @property
    def reply_text(self):
        return self.reply.locator(".reply-body > .text")

    @property
    def thumbnails(self):
        return self.page.get_by_role("list", name="Images to be sent").get_by_role("listitem")

    @property
    def problem(self):
        return self.page.locator("#problem")

    def wait_for_connection(self) -> None:
        expect(self.page.locator("body")).to_have_attribute("data-connection", "open")

    # What visitors do

    def visit(self, path: str = "/") -> None:
        self.page.goto(path if path.startswith("about:") else self.url + path)

    def reload(self) -> None:
        self.page.reload()

    def begin_to_write(self) -> None:
        """Go to the message box, and wait until what reads replies is here."""
        self.message.focus()
        self.page.evaluate(
            """async () => {
                const loaded = performance.getEntriesByType("resource").map(({ name }) => name);
                const { loadReading } = await import(loaded.find((name) => name.includes("/components/rich_text.")));
                await loadReading();
            }"""
        )

    def write(self, text: str) -> None:
        self.message.fill(text)

    def ask(self, text: str) -> None:
        self.write(text)
        self.button("Send").click()

    def ask_and_wait(self, text: str = "What do you see?") -> None:
        count = self.replies.count()
        self.ask(text)
        expect(self.replies).to_have_count(count + 1)
        self.expect_state("complete")
        # What reads Markdown may still be on its way; until then a short reply stands as it came.
        expect(self.reply.locator("[data-unread]")).to_have_count(0)

    def add_image(self, *names: str) -> None:
        """Add pictures that the site ships, and wait until they are there."""
        count = self.thumbnails.count()
        self.button("Add image").set_input_files([EXAMPLES / name for name in names])
        for place in range(count, count + len(names)):
            expect(self.thumbnails.nth(place)).to_have_attribute("data-state", "ready")

    # What they see

    def expect_text(self, text: str | re.Pattern) -> None:
        expect(self.reply_text).to_have_text(text)

    def expect_state(self, state: str) -> None:
        expect(self.reply).to_have_attribute("data-state", state)

    def expect_own_address(self) -> None:
        expect(self.page).to_have_url(re.compile(r"/c/[0-9a-f-]{36}/$"))

    def expect_accessible(self, options: dict | None = None) -> None:
        """Hold the page to all of axe's rules, or to those that `options` name."""
        # Of what passes axe would else collect every element, and of what does not apply, too.
        report = Axe().run(self.page, options={"resultTypes": ["violations"], **(options or {})})
        assert report.violations_count == 0, report.generate_report()

    def expect_no_sideways_scrolling(self) -> None:
        width = self.page.evaluate("[document.scrollingElement.scrollWidth, innerWidth]")
        assert width[0] <= width[1]

    def picture(self, name: str, **options) -> None:
        """Keep a screenshot for those who look at how it looks."""
        PICTURES.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=PICTURES / f"{name}.png", **options)
