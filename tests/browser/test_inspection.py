"""What the model saw, looked at by its visitor and by staff."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.scripted_worker import ScriptedWorker
from tests.browser.test_admin import WCAG

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
NAME = "What the model saw"


@pytest.fixture(scope="module")
def tiled_site(start_site):
    """A site whose one model cuts pictures into tiles."""
    site = start_site()
    worker = ScriptedWorker("InternVL2-8B")
    worker.register(site.controller)
    site.wait_for_model()
    yield site
    worker.close()


@pytest.fixture
def open_tiled(open_page, tiled_site):
    def open_tiled(**options):
        chat = open_page(site=tiled_site, **options)
        chat.add_image("receipt.png", "chart.png")
        chat.ask_and_wait("What of <image> is it?")
        return chat

    return open_tiled


def look(page, name=NAME):
    page.get_by_role("button", name=name).last.click()
    dialog = page.get_by_role("dialog", name=name)
    expect(dialog).to_be_visible()
    return dialog


def loaded(dialog):
    for image in dialog.get_by_role("img").all():
        expect(image).to_have_js_property("complete", True)
        assert image.evaluate("(image) => image.naturalWidth") > 0


def test_it_is_opened_read_copied_and_left_by_keyboard_alone(chat, worker):
    chat.add_image("receipt.png")
    chat.ask_and_wait("Is </s> in it?")
    opener = chat.button(NAME)
    opener.focus()
    keys = chat.page.keyboard
    keys.press("Enter")
    dialog = chat.page.get_by_role("dialog", name=NAME)
    expect(dialog.get_by_text("This is exactly what was sent.")).to_be_visible()
    expect(dialog.locator("mark.is-defused").first).to_have_text("<·/s>")
    expect(dialog.locator("mark.is-control").filter(has_text="USER:").first).to_be_visible()
    expect(dialog.get_by_text("tiles is not known here")).to_be_visible()
    loaded(dialog)
    chat.expect_accessible()
    chat.page.evaluate("navigator.clipboard.writeText = async (text) => { window.copied = text; }")
    dialog.get_by_role("button", name="Copy prompt").press("Enter")
    expect(dialog.get_by_text("Copied")).to_be_visible()
    assert chat.page.evaluate("window.copied") == worker.requests[-1]["prompt"]
    keys.press("Escape")
    expect(dialog).to_have_count(0)
    expect(opener).to_be_focused()


@pytest.mark.parametrize("look_of", ["light", "dark", "forced", "phone"])
def test_pictures_are_drawn_on_their_tiles(open_tiled, look_of):
    options = {
        "light": {},
        "dark": {"color_scheme": "dark"},
        "forced": {"forced_colors": "active"},
        "phone": PHONE,
    }[look_of]
    chat = open_tiled(**options)
    dialog = look(chat.page)
    expect(dialog.get_by_text("Computed: ")).to_have_count(2)
    expect(dialog.locator("svg")).to_have_count(2)
    expect(dialog.get_by_text("[Image 2]")).to_be_visible()
    loaded(dialog)
    chat.expect_accessible()
    chat.expect_no_sideways_scrolling()
    assert dialog.evaluate("(dialog) => dialog.scrollWidth <= dialog.clientWidth")
    chat.picture(f"inspection-{look_of}")


def test_it_speaks_chinese(chat, open_page):
    chat.ask_and_wait()
    chinese = open_page(chat.page.url.removeprefix(chat.url) + "?lang=zh-hans", context=chat.page.context)
    dialog = look(chinese.page, "模型看到的内容")
    expect(dialog.get_by_text("这正是当时发送的内容。")).to_be_visible()
    expect(dialog.get_by_role("button", name="复制提示词")).to_be_visible()
    chinese.expect_accessible()


def test_a_picture_that_can_not_be_read_is_told_in_its_place(chat, site):
    chat.add_image("shapes.png")
    chat.ask_and_wait()
    chat.page.route(re.compile(r"/images/[0-9a-f-]+/$"), lambda route: route.fulfill(status=404))
    chat.allow("404 (Not Found)")
    dialog = look(chat.page)
    expect(dialog.get_by_text("This image can't be read.")).to_be_visible()


def test_a_site_that_is_away_says_so_and_can_be_asked_again(chat):
    chat.ask_and_wait()
    chat.page.route("**/replies/**", lambda route: route.abort())
    chat.allow("net::ERR_FAILED")
    dialog = look(chat.page)
    expect(dialog.get_by_text("The site could not be reached.")).to_be_visible()
    dialog.get_by_role("button", name="Close").click()
    chat.page.unroute("**/replies/**")
    expect(look(chat.page).get_by_text("This is exactly what was sent.")).to_be_visible()


def test_staff_see_it_in_the_conversation_and_in_the_review_queue(chat, open_page, site, worker):
    chat.add_image("receipt.png")
    chat.ask_and_wait()
    chat.button("Flag").click()
    chat.page.get_by_role("radio", name="Something else").check()
    chat.button("Submit").click()
    expect(chat.reply.get_by_text("You flagged this.")).to_be_visible()
    name, password = re.search(r"administrator +(\S+), password (\S+)", site.log).groups()
    admin = open_page("/admin/")
    admin.page.get_by_label("Username").fill(name)
    admin.page.get_by_label("Password").fill(password)
    admin.button("Log in").click()
    conversation = chat.page.url.rstrip("/").rpartition("/")[2]
    for path in (f"/admin/chat/conversation/{conversation}/change/", "/admin/feedback/reviewitem/"):
        admin.visit(path)
        admin.page.locator("button[data-inspect]:visible").last.click()
        dialog = admin.page.get_by_role("dialog", name=NAME)
        expect(dialog.get_by_text("This is exactly what was sent.")).to_be_visible()
        expect(dialog.get_by_text(worker.address)).to_be_visible()
        admin.expect_accessible(WCAG)
        admin.picture(f"inspection-admin-{path.split('/')[3]}")
