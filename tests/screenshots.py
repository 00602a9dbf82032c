"""Take the pictures of the documentation anew: `python -m tests.screenshots [FOLDER]`.

The site as it ships, in Chromium, in its ten main states; a scripted worker says what is to be seen. Where nothing
changed on the page, hardly a byte changes in a picture.
"""

import io
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, expect, sync_playwright

from tests import parts
from tests.browser.cable import Cable
from tests.browser.chat_page import ChatPage
from tests.browser.scripted_worker import Failure, Hold, ScriptedWorker
from tests.running import ROOT, Site

FOLDER = ROOT / "docs" / "screenshots"
QUALITY = 82  # of WebP: letters stay clean, and a picture takes some 30 kB
DESKTOP = {"viewport": {"width": 1280, "height": 800}}
PHONE = {
    "viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "has_touch": True, "is_mobile": True,
}  # fmt: skip
DARK = {"color_scheme": "dark"}
CHINESE = {"locale": "zh-CN"}

REPLY = """The receipt adds up to **20.40**, and the printed total is right:

| Item | Count | Price |
|:--|:-:|--:|
| Cappuccino | 2 | 7.60 |
| Orange juice | 1 | 3.50 |
| Croissant | 2 | 5.20 |
| Yoghurt | 1 | 4.10 |

As a formula, with $p_i$ for the price of each line:

$$\\sum_{i=1}^{4} p_i = 7.60 + 3.50 + 5.20 + 4.10 = 20.40$$

```python
prices = [7.60, 3.50, 5.20, 4.10]
print(f"{sum(prices):.2f}")  # 20.40
```"""
CHINESE_REPLY = """这张小票一共 **20.40**，打印的总额是正确的：

| 商品 | 数量 | 价格 |
|:--|:-:|--:|
| 卡布奇诺 | 2 | 7.60 |
| 橙汁 | 1 | 3.50 |
| 可颂 | 2 | 5.20 |
| 酸奶 | 1 | 4.10 |

$$7.60 + 3.50 + 5.20 + 4.10 = 20.40$$"""
SEEN = """Five shapes stand on a grey floor before a pale wall:

1. two **blue** circles, side by side at the top left,
2. a **red** square below them,
3. a **green** circle that covers its corner, and
4. a **yellow** triangle on the right.

A green sign above the triangle says *PARK 300 m*."""
FOUND = """These stand out:

- the first <ref>blue circle</ref><box>[[96, 122, 221, 293]]</box>,
- a <ref>red square</ref><box>[[112, 436, 392, 807]]</box>,
- a <ref>green circle</ref><box>[[367, 541, 600, 851]]</box> before it,
- a <ref>yellow triangle</ref><box>[[625, 519, 871, 829]]</box>, and
- a <ref>sign</ref><box>[[583, 110, 915, 290]]</box> that says *PARK 300 m*."""


class Studio:
    """A site with one place for replies, a worker that says what it is told, and a browser."""

    def __init__(self, browser: Browser, site: Site, worker: ScriptedWorker, folder: Path) -> None:
        self.browser, self.site, self.worker, self.folder = browser, site, worker, folder

    @contextmanager
    def visitor(self, look: dict, url: str = "") -> Iterator[ChatPage]:
        """Open the page as a new visitor who sees it so."""
        context = self.browser.new_context(**{"locale": "en", "reduced_motion": "reduce", **look})
        page = ChatPage(context.new_page(), url or self.site.url)
        page.visit()
        page.wait_for_connection()
        yield page
        context.close()

    def keep(self, chat: ChatPage, name: str) -> None:
        chat.page.mouse.move(0, 0)
        chat.page.evaluate("document.fonts.ready")
        for picture in chat.page.get_by_role("img").filter(visible=True).all():
            picture.evaluate("(element) => element.decode?.()")  # else it may not be drawn yet
        with Image.open(io.BytesIO(chat.page.screenshot())) as picture:
            picture.convert("RGB").save(self.folder / f"{name}.webp", quality=QUALITY, method=6)

    def ask_about_the_receipt(self, chat: ChatPage) -> None:
        self.worker.will_say(REPLY)
        chat.add_image("receipt.png")
        chat.ask_and_wait("What does this receipt add up to?")
        expect(chat.reply_text.locator(".is-drawn").first).to_be_visible()
        expect(chat.reply_text.locator(".hljs-number").first).to_be_visible()


def empty(studio: Studio) -> None:
    for name, look in {"desktop": DESKTOP, "phone": PHONE, "phone-dark": PHONE | DARK}.items():
        with studio.visitor(look) as chat:
            studio.keep(chat, f"empty-{name}")


def example(studio: Studio) -> None:
    for name, look in {"desktop": DESKTOP, "phone": PHONE}.items():
        with studio.visitor(look) as chat:
            chat.page.get_by_role("button", name="Which bar is the highest").click()
            expect(chat.thumbnails.first).to_have_attribute("data-state", "ready")
            studio.keep(chat, f"example-{name}")


def streaming(studio: Studio) -> None:
    for name, look in {"desktop": DESKTOP, "phone": PHONE}.items():
        with studio.visitor(look) as chat:
            hold = Hold()
            studio.worker.will_say(REPLY[:260], hold, REPLY[260:])
            chat.add_image("receipt.png")
            chat.ask("What does this receipt add up to?")
            expect(chat.reply_text.locator("table")).to_be_visible()
            studio.keep(chat, f"streaming-{name}")
            hold.set()
            chat.expect_state("complete")


def finished(studio: Studio) -> None:
    looks = {"desktop": DESKTOP, "desktop-dark": DESKTOP | DARK, "phone": PHONE, "phone-dark": PHONE | DARK}
    for name, look in looks.items():
        with studio.visitor(look) as chat:
            studio.ask_about_the_receipt(chat)
            studio.keep(chat, f"finished-{name}")


def image(studio: Studio) -> None:
    for name, look in {"desktop": DESKTOP, "phone-dark": PHONE | DARK}.items():
        with studio.visitor(look) as chat:
            studio.worker.will_say(FOUND)
            chat.add_image("shapes.png")
            chat.ask_and_wait("Where are the shapes in this picture?")
            studio.keep(chat, f"image-{name}")


def error(studio: Studio) -> None:
    for name, look in {"desktop": DESKTOP, "phone": PHONE}.items():
        with studio.visitor(look) as chat:
            studio.worker.will_say(SEEN[:182], Failure("CUDA out of memory"))
            chat.ask("Describe the shapes and colours in this picture.")
            chat.expect_state("failed")
            studio.keep(chat, f"error-{name}")


def queue(studio: Studio) -> None:
    with studio.visitor(DESKTOP) as first:
        hold = Hold()
        studio.worker.will_say("One moment", hold)
        first.ask("I am before you.")
        first.expect_text("One moment")
        for name, look in {"desktop": DESKTOP, "phone": PHONE}.items():
            with studio.visitor(look) as chat:
                chat.ask("What does this receipt add up to?")
                expect(chat.reply).to_contain_text("in line")
                studio.keep(chat, f"queue-{name}")
                chat.button("Stop").click()
                chat.expect_state("stopped")
        hold.set()
        first.expect_state("complete")


def offline(studio: Studio) -> None:
    for name, look in {"desktop": DESKTOP, "phone": PHONE}.items():
        cable = Cable(studio.site.port)
        with studio.visitor(look, cable.url) as chat:
            studio.worker.will_say(SEEN)
            chat.ask_and_wait("Describe the shapes and colours in this picture.")
            cable.cut()
            expect(chat.page.locator("#connection")).to_be_visible()
            chat.write("And which of them is the largest?")
            studio.keep(chat, f"offline-{name}")
        cable.close()


def settings(studio: Studio) -> None:
    for name, look in {"phone": PHONE, "phone-dark": PHONE | DARK}.items():
        with studio.visitor(look) as chat:
            summary = chat.page.get_by_text("Parameters", exact=True)
            summary.click()
            summary.evaluate("(element) => element.scrollIntoView({ block: 'center' })")
            studio.keep(chat, f"settings-{name}")


def chinese(studio: Studio) -> None:
    for name, look in {"desktop": DESKTOP | CHINESE, "phone-dark": PHONE | CHINESE | DARK}.items():
        with studio.visitor(look) as chat:
            studio.worker.will_say(CHINESE_REPLY)
            chat.page.get_by_role("textbox", name="消息", exact=True).fill("这张小票一共多少钱？")
            chat.page.get_by_role("button", name="发送", exact=True).click()
            chat.expect_state("complete")
            expect(chat.reply_text.locator(".is-drawn").first).to_be_visible()
            studio.keep(chat, f"chinese-{name}")


STATES: list[Callable[[Studio], None]] = [
    empty, example, streaming, finished, image, error, queue, offline, settings, chinese,
]  # fmt: skip


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    chromium = parts.chromium()
    with tempfile.TemporaryDirectory(prefix="mmchat-screenshots-") as data, sync_playwright() as playwright:
        site = Site(Path(data), "--concurrency-count", "1")
        worker = ScriptedWorker()
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--hide-scrollbars"]
        )
        try:
            site.start()
            worker.register(site.log.split("workers register")[1].split()[0])
            site.wait_for_model()
            for state in STATES:
                state(Studio(browser, site, worker, folder))
                print(state.__name__)
        finally:
            browser.close()
            worker.close()
            site.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
