"""The states that a visitor may find the site in: each walk brings a page into one after the other, and names it.

Names on the page depend on its language, so everything is found by what it is: the walks are the same in all languages.
"""

import time
import uuid
from collections.abc import Iterator

from playwright.sync_api import expect

from tests.browser.chat_page import ChatPage
from tests.browser.scripted_worker import Failure, Hold, ScriptedWorker

DESKTOP = {"viewport": {"width": 1280, "height": 800}}
PHONE = {"viewport": {"width": 320, "height": 640}, "has_touch": True, "is_mobile": True}
LOOKS = {
    "desktop": {**DESKTOP, "locale": "en"},
    "desktop-chinese": {**DESKTOP, "locale": "zh-CN"},
    "phone": {**PHONE, "locale": "en"},
    "phone-chinese": {**PHONE, "locale": "zh-CN"},
}

THINKING = "<think>Four prices, one by one.</think>"
REPLY = """The total is **20.40**, [as printed](https://example.org/).

| Item | Count | Price |
|:--|:-:|--:|
| Cappuccino | 2 | 7.60 |

- Orange juice, `3.50`
- Croissant

> A quotation.

```python
sum([7.6, 3.5, 5.2, 4.1])  # a line that is longer than a small phone is wide
```

$$\\sum_{i=1}^{4} p_i = 7.60 + 3.50 + 5.20 + 4.10 = 20.40$$
"""
FOUND = (
    "The first <ref>blue circle</ref><box>[[96, 122, 221, 293]]</box>, a <ref>red square</ref>"
    "<box>[[112, 436, 392, 807]]</box> and a <ref>sign</ref><box>[[583, 110, 915, 290]]</box>."
)
IN_CHINESE = {"en": "Which line is the most expensive one?", "zh-CN": "这张小票上最贵的是哪一项？"}


class Stage:
    """A visitor's page on a site with one place for replies, whose worker says what it is told."""

    def __init__(self, chat: ChatPage, other: ChatPage, site, worker: ScriptedWorker, locale: str) -> None:
        self.chat, self.other, self.site, self.worker, self.locale = chat, other, site, worker, locale
        self.page = chat.page

    def find(self, selector: str):
        return self.page.locator(selector)

    def press(self, selector: str) -> None:
        self.find(selector).last.click()

    def ask(self, *pieces, images: tuple[str, ...] = (), end: str = "complete") -> None:
        """Ask in the page's language, and wait until the reply is in this state."""
        self.worker.will_say(*pieces)
        self.add(*images)
        self.find("#message").fill(IN_CHINESE[self.locale])
        count = self.chat.replies.count()
        self.press("#send")
        expect(self.chat.replies).to_have_count(count + 1)
        self.chat.expect_state(end)

    def add(self, *names: str) -> None:
        for name in names:
            self.find("#add-image").set_input_files(f"static/examples/{name}")
            expect(self.find(".thumbnail").last).to_have_attribute("data-state", "ready")

    def escape(self) -> None:
        self.page.keyboard.press("Escape")


def beginning(stage: Stage) -> Iterator[str]:
    """The page before and while the first message is sent."""
    chat, page = stage.chat, stage.page
    chat.wait_for_connection()
    expect(stage.find("#examples .card img").first).to_be_visible()
    yield "start"
    stage.press("#parameters summary")
    yield "parameters"
    stage.press("#parameters summary")
    stage.press(".bar #history-open")
    expect(stage.find("#history [data-part=state]")).not_to_be_empty()
    yield "history-empty"
    stage.escape()
    if stage.find(".keys-open").is_visible():
        stage.press(".keys-open")
        yield "keys"
        stage.escape()
    stage.press(".side [data-opens=own-data]")
    stage.press("#own-data [data-part=receipt]")
    expect(stage.find("#own-data [data-part=problem]")).not_to_be_empty()
    stage.chat.allow("status of 4")
    yield "no-data"
    stage.escape()

    stage.add("receipt.png", "shapes.png", "chart.png")
    page.set_input_files(
        "#add-image", {"name": "broken.png", "mimeType": "image/png", "buffer": b"no picture"}
    )
    expect(stage.find(".thumbnail").last).to_have_attribute("data-state", "failed")
    stage.find("#message").fill("Too long " * 4000)
    stage.press("#send")
    expect(stage.find("#problem")).not_to_be_empty()
    yield "refused"
    for _ in range(4):
        stage.press(".thumbnail .remove")
    stage.find("#message").fill("")


def about_a_picture(stage: Stage) -> Iterator[str]:
    """A reply that waits in line, points at places, and is judged."""
    hold = Hold()
    stage.worker.will_say("One moment", hold)
    stage.other.ask("I am before you.")
    stage.other.expect_text("One moment")
    stage.ask(FOUND, images=("shapes.png",), end="queued")
    expect(stage.chat.reply.locator(".waiting")).to_contain_text("1")
    yield "queued"
    hold.set()
    stage.chat.expect_state("complete")
    yield "boxes"
    stage.press(".seen-open")
    expect(stage.find("#lightbox")).to_be_visible()
    expect(stage.find("#lightbox [data-part=state]")).to_be_empty()
    yield "lightbox"
    stage.escape()
    stage.press("[data-part=down]")
    stage.press(".details .chip:visible")
    expect(stage.find(".chip[aria-pressed=true]")).to_be_visible()
    yield "vote"
    stage.press(".details [data-part=mark]")
    stage.press("#boxes [data-part=add]")
    yield "box-editor"
    stage.press("#boxes [data-part=cancel]")
    stage.press(".details [data-part=done]")
    stage.press(".reply [data-part=flag]")
    yield "flag"
    stage.escape()
    stage.press("#clear")


def replies(stage: Stage) -> Iterator[str]:
    """All else that a reply goes through, and what is done with it."""
    first, second = Hold(), Hold()
    stage.worker.will_say(first, THINKING[:24], second, THINKING[24:], REPLY)
    stage.find("#message").fill("And the receipt?")
    stage.press("#send")
    expect(stage.chat.reply.locator(".waiting")).to_be_visible()
    yield "first-word"
    first.set()
    stage.press(".thinking summary")
    yield "thinking"
    second.set()
    stage.chat.expect_state("complete")
    expect(stage.chat.reply_text.locator(".is-drawn")).to_be_visible()
    expect(stage.chat.reply_text.locator(".hljs-number").first).to_be_visible()
    yield "reply"
    stage.press("[data-part=again]")
    expect(stage.chat.reply.locator("[data-part=variants]")).to_be_visible()
    stage.chat.expect_state("complete")
    stage.press(".question [data-part=edit]")
    expect(stage.find("#changing")).to_be_visible()
    yield "changing"
    stage.press("#changing [data-part=cancel]")
    stage.press(".reply [data-part=previous]")
    stage.press("#share-open")
    stage.press("#share [data-part=make]")
    expect(stage.find("#share [data-part=address]")).to_be_visible()
    yield "share"
    stage.escape()

    stage.press("#clear")
    hold = Hold()
    stage.ask(REPLY[:200], hold, end="streaming")
    expect(stage.chat.reply_text.locator("li").last).to_be_visible()
    yield "streaming"
    stage.press("#stop")
    stage.chat.expect_state("stopped")
    yield "stopped"
    hold.set()
    stage.ask("Half of", Failure("CUDA out of memory"), end="failed")
    yield "failed"


def history(stage: Stage) -> Iterator[str]:
    """The drawer of a visitor who has asked something."""
    stage.press("#history-open")
    expect(stage.find(".history-row").last).to_be_visible()
    yield "history"
    stage.press("#history [data-opens=own-data]")
    stage.press("#own-data [data-part=receipt]")
    expect(stage.find("#own-data [data-part=code]")).to_be_visible()
    yield "own-data"
    stage.press("#own-data [data-part=delete]")
    yield "question"
    stage.escape()
    stage.escape()
    stage.press("#history-open")
    expect(stage.find(".history-row").last).to_be_visible()
    stage.press(".history-row [data-part=rename]")
    yield "renaming"
    stage.press(".history-form [data-part=cancel]")
    stage.find(".history-search").fill("nowhere to be found")
    expect(stage.find("#history [data-part=state]")).to_contain_text("nowhere")
    yield "nothing-found"
    held = []
    stage.page.route("**/history/*", lambda route: held.append(route))  # no answer comes
    stage.find(".history-search").fill("20.40")
    expect(stage.find("#history [data-part=state]")).not_to_contain_text("nowhere")
    yield "searching"
    stage.chat.allow("ERR_FAILED")
    for route in held:
        route.abort()
    stage.page.unroute("**/history/*")
    stage.escape()


def disturbed(stage: Stage) -> Iterator[str]:
    """Announcements, terms, a lost line, trouble."""
    chat, page, site = stage.chat, stage.page, stage.site
    publish(site)
    page.reload()
    expect(stage.find("#announcements .notice")).to_have_count(2)
    expect(stage.find(".reply").last).to_be_visible()
    yield "announcements"
    stage.find("#message").fill("May I?")
    stage.press("#send")
    expect(stage.find("#terms")).to_be_visible()
    yield "terms"
    stage.press("#terms [data-part=cancel]")
    yield "terms-first"
    site.change("DELETE FROM chat_terms WHERE version = 'a'")
    site.change("DELETE FROM chat_announcement")
    time.sleep(1.1)

    page.context.set_offline(True)
    expect(stage.find("#connection")).to_be_visible()
    yield "offline"
    stage.press("#history-open")
    expect(stage.find("#history [data-part=more]")).to_be_visible()
    yield "history-failed"
    stage.escape()
    stage.press(".reply [data-part=up]")
    expect(stage.find(".reply .feedback.problem")).to_be_visible()
    yield "vote-failed"
    chat.allow("ERR_INTERNET_DISCONNECTED")
    page.context.set_offline(False)
    chat.wait_for_connection()

    # Routes of sockets can't be taken away again: this one only looks like a site that says nothing for a while.
    silent = [True]
    page.route_web_socket(
        lambda url: "/ws/" in url, lambda socket: None if silent else socket.connect_to_server()
    )
    page.reload()
    expect(stage.find("#log")).to_have_attribute("aria-busy", "true")
    yield "loading"
    silent.clear()


def publish(site) -> None:
    """Let the host announce something and ask for terms, and wait until visitors get them."""
    for text, important in (
        ("We move on **Friday**, [see there](https://example.org/).", 0),
        ("We move now.", 1),
    ):
        values = f"'{text}', {important}, '', datetime('now', '-1 hour'), datetime('now', '+1 hour')"
        site.change(
            f"INSERT INTO chat_announcement (text, important, language, starts, ends) VALUES ({values})"
        )
    terms = f"'a', 'Be **kind**. {'Read on. ' * 90}', 1, datetime('now')"
    site.change(f"INSERT INTO chat_terms (version, text, must_be_accepted, created) VALUES ({terms})")
    time.sleep(1.1)  # so long a site may keep its host's words


def other_pages(stage: Stage) -> Iterator[str]:
    """Pages without a conversation of one's own."""
    chat, page = stage.chat, stage.page
    page.goto(shared(stage))
    expect(page.locator(".reply .is-drawn").first).to_be_visible()
    yield "shared"
    chat.visit("/privacy/")
    yield "privacy"
    chat.visit("/receipt/")
    yield "receipt"
    page.locator("#code").fill("XXXX-1")
    page.locator("button.strong").click()
    yield "receipt-refused"
    chat.visit("/embed/?theme=light")
    chat.wait_for_connection()
    yield "embedded"
    chat.allow("404 (Not Found)")
    chat.visit("/nothing/here/")
    yield "not-found"
    chat.allow("403 (Forbidden)")
    chat.visit("/receipt/")
    page.locator("[name=csrfmiddlewaretoken]").evaluate("(field) => (field.value = 'a')")
    page.locator("#code").fill("XXXX-1")
    page.locator("button.strong").click()
    yield "forbidden"


def blocked(stage: Stage) -> Iterator[str]:
    """The page of a visitor whom a moderator has blocked."""
    visitor = (
        "(SELECT visitor_id FROM chat_sharedlink JOIN chat_conversation ON chat_conversation.id = conversation_id "
        "ORDER BY chat_sharedlink.created DESC LIMIT 1)"
    )
    stage.site.change(
        f"INSERT INTO chat_blockedvisitor (reason, created, visitor_id) VALUES ('-', datetime('now'), {visitor})"
    )
    stage.chat.visit()
    expect(stage.find("#connection")).to_be_visible()
    yield "blocked"


def shared(stage: Stage) -> str:
    """Give the address of the public link that the walk through `replies` has made."""
    (key,) = stage.site.rows("SELECT key FROM chat_sharedlink ORDER BY created DESC LIMIT 1")[0]
    return f"{stage.chat.url}/s/{uuid.UUID(key)}/"


def everything(stage: Stage) -> Iterator[str]:
    for walk in (beginning, about_a_picture, replies, history, disturbed, other_pages, blocked):
        yield from walk(stage)
