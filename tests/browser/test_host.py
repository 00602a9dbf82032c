"""A host makes the site its own in the administration, looks at it first, and visitors get it so."""

import re
import time

import pytest
from playwright.sync_api import expect

from tests.browser.chat_page import EXAMPLES
from tests.browser.conftest import DESKTOP
from tests.browser.scripted_worker import ScriptedWorker

DESKTOP_LOOK = {"viewport": DESKTOP}
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
GREEN, GREEN_IN_THE_DARK = "rgb(11, 110, 79)", "rgb(111, 169, 151)"
SECOND = "llava-v1.6-34b"


@pytest.fixture(scope="module")
def own_site(start_site):
    """A site of these tests, whose host may do as they like, with two models."""
    site = start_site()
    worker = ScriptedWorker("llava-v1.5-13b", SECOND)
    worker.register(site.controller)
    site.wait_for_model(SECOND)
    site.worker = worker
    yield site
    worker.close()


@pytest.fixture
def admin(open_page, own_site):
    name, password = re.search(r"administrator +(\S+), password (\S+)", own_site.log).groups()
    admin = open_page("/admin/", site=own_site)
    admin.page.get_by_label("Username").fill(name)
    admin.page.get_by_label("Password").fill(password)
    admin.button("Log in").click()
    return admin


@pytest.fixture
def visit(open_page, own_site):
    return lambda **options: open_page(site=own_site, **options)


def look_first(admin):
    """Press Preview, and give the page that opens."""
    with admin.page.context.expect_page() as opened:
        admin.button("Preview").click()
    expect(opened.value.get_by_text("A preview: nothing of it is stored yet.")).to_be_visible()
    return opened.value


def save(admin):
    admin.button("Save").click()
    expect(admin.page.locator(".messagelist .success")).to_be_visible()
    time.sleep(1.1)  # a site keeps its host's words for a second


def colour_of(chat):
    return chat.button("Send").evaluate("(button) => getComputedStyle(button).backgroundColor")


def test_name_logo_colour_and_words_are_seen_in_a_preview_and_then_by_visitors(admin, visit):
    admin.visit("/admin/chat/sitetext/")
    admin.page.get_by_label("Title:").first.fill("Ask the robin")
    admin.page.get_by_label("Logo:").set_input_files(EXAMPLES / "shapes.png")
    admin.page.get_by_label("Colour:", exact=True).fill("#ffd43b")
    admin.page.get_by_label("Welcome:").first.fill(
        "**Welcome** to [us](https://example.org).\n\n<img src=x onerror=alert(1)>"
    )
    admin.page.get_by_label("Acknowledgements:").first.fill("Paid for by the city.")
    admin.button("Save").click()
    expect(admin.page.get_by_text("Take a darker one.")).to_be_visible()
    admin.page.get_by_label("Logo:").set_input_files(EXAMPLES / "shapes.png")
    admin.page.get_by_label("Colour:", exact=True).fill("#0b6e4f")
    shown = look_first(admin)
    expect(shown.get_by_role("heading", name="Ask the robin")).to_be_visible()
    expect(shown.locator(".brand img")).to_have_js_property("naturalWidth", 640)
    expect(shown.get_by_role("button", name="Send", exact=True)).to_have_css("background-color", GREEN)
    shown.close()
    expect(visit().page.get_by_role("heading", name="mmchat")).to_be_visible()

    save(admin)
    chat = visit()
    expect(chat.page).to_have_title("Ask the robin")
    expect(chat.page.locator(".brand img")).to_have_js_property("naturalWidth", 640)
    expect(chat.page.locator("#welcome strong")).to_have_text("Welcome")
    expect(chat.page.locator("#welcome img[src=x]")).to_have_count(0)
    expect(chat.page.get_by_text("Paid for by the city.")).to_be_visible()
    assert colour_of(chat) == GREEN
    chat.expect_accessible()
    chat.picture("host-desktop")
    for options in ({"color_scheme": "dark", **DESKTOP_LOOK}, {"color_scheme": "dark", **PHONE}):
        dark = visit(**options)
        assert colour_of(dark) == GREEN_IN_THE_DARK
        dark.expect_accessible()
        dark.picture(f"host-dark-{options['viewport']['width']}")
    chat.allow("404 (Not Found)")
    chat.visit("/nothing/")
    expect(chat.page.get_by_role("link", name="To the start page")).to_have_css("color", GREEN)


def test_an_announcement_can_be_put_away_unless_it_is_important(admin, visit):
    for words, important in (("**New** model today.", False), ("We move on Friday.", True)):
        admin.visit("/admin/chat/announcement/add/")
        admin.page.get_by_label("Text:").fill(words)
        admin.page.get_by_label("Important").set_checked(important)
        shown = look_first(admin)
        expect(shown.get_by_role("region", name="Announcements")).to_contain_text(words.replace("*", ""))
        shown.close()
        save(admin)
    chat = visit()
    region = chat.page.get_by_role("region", name="Announcements")
    expect(region.locator(".notice")).to_have_text(["We move on Friday.", "New model today."])
    chat.expect_accessible()
    chat.picture("announcements")
    chat.button("Put this announcement away").click()
    expect(region.locator(".notice")).to_have_text(["We move on Friday."])
    chat.reload()
    expect(region.locator(".notice")).to_have_text(["We move on Friday."])


def test_an_announcement_comes_and_goes_on_a_page_that_stays_open(visit, own_site):
    own_site.change("DELETE FROM chat_announcement")
    for text, starts, ends in (("Going", "-1 hour", "+8 seconds"), ("Coming", "+8 seconds", "+1 hour")):
        times = ", ".join(f"strftime('%Y-%m-%d %H:%M:%f', 'now', '{time}')" for time in (starts, ends))
        own_site.change(
            "INSERT INTO chat_announcement (text, important, language, starts, ends) "
            f"VALUES ('{text}', 0, '', {times})"
        )
    time.sleep(1.1)
    chat = visit()
    region = chat.page.get_by_role("region", name="Announcements")
    expect(region.locator(".notice")).to_have_text(["Going"])
    expect(region.locator(".notice")).to_have_text(["Coming"])
    own_site.change("DELETE FROM chat_announcement")


def test_an_announcement_shows_on_a_device_whose_clock_is_slow(new_context, visit, own_site):
    own_site.change(
        "INSERT INTO chat_announcement (text, important, language, starts) "
        "VALUES ('Since a minute', 0, '', strftime('%Y-%m-%d %H:%M:%f', 'now', '-1 minute'))"
    )
    time.sleep(1.1)
    context = new_context(locale="en", viewport=DESKTOP)
    context.add_init_script("const now = Date.now; Date.now = () => now() - 3_600_000")
    chat = visit(context=context)
    expect(chat.page.get_by_role("region", name="Announcements")).to_contain_text("Since a minute")
    own_site.change("DELETE FROM chat_announcement")


def test_an_open_page_hears_of_what_is_announced_changed_and_taken_back(visit, own_site):
    def announce(sql):
        own_site.change(sql)
        time.sleep(1.1)  # until every process reads it anew
        chat.page.clock.fast_forward(301_000)

    own_site.change("DELETE FROM chat_announcement")
    time.sleep(1.1)
    chat = visit(path="about:blank")
    chat.page.clock.install()
    chat.visit()
    chat.wait_for_connection()
    notices = chat.page.get_by_role("region", name="Announcements").locator(".notice")
    expect(notices).to_have_count(0)
    announce(
        "INSERT INTO chat_announcement (text, important, language, starts, ends) "
        "VALUES ('We move at **noon**.', 0, '', datetime('now', '-1 hour'), NULL)"
    )
    expect(notices).to_have_text(["We move at noon."])
    announce("UPDATE chat_announcement SET text = 'We move at one.'")
    expect(notices).to_have_text(["We move at one."])
    announce("UPDATE chat_announcement SET ends = datetime('now', '-1 minute')")
    expect(notices).to_have_count(0)


def test_a_page_that_comes_back_asks_what_is_announced_meanwhile(visit, own_site):
    own_site.change("DELETE FROM chat_announcement")
    time.sleep(1.1)
    chat = visit()
    chat.wait_for_connection()
    own_site.change(
        "INSERT INTO chat_announcement (text, important, language, starts, ends) "
        "VALUES ('Back again.', 0, '', datetime('now', '-1 hour'), NULL)"
    )
    chat.allow("WebSocket connection")
    chat.allow("ERR_CONNECTION_REFUSED")
    own_site.stop()
    expect(chat.page.locator("body")).not_to_have_attribute("data-connection", "open")
    own_site.start()
    expect(chat.page.get_by_role("region", name="Announcements").locator(".notice")).to_have_text(
        ["Back again."]
    )
    own_site.change("DELETE FROM chat_announcement")


def test_an_example_brings_its_pictures_parameters_and_model(admin, visit, own_site):
    admin.visit("/admin/chat/example/add/")
    admin.page.get_by_label("Question:").fill("Which two belong together?")
    admin.page.get_by_label("Position:").first.fill("-5")
    admin.page.get_by_label("Model:").select_option(label=SECOND)
    admin.page.get_by_label("Temperature:").fill("0.2")
    for place, (name, words) in enumerate((("chart.png", "A chart"), ("shapes.png", "Shapes"))):
        if place:
            admin.page.get_by_text("Add another Picture").click()
        admin.page.locator(f"#id_pictures-{place}-file").set_input_files(EXAMPLES / name)
        admin.page.locator(f"#id_pictures-{place}-description").fill(words)
        admin.page.locator(f"#id_pictures-{place}-position").fill(str(place))
    shown = look_first(admin)
    card = shown.get_by_role("button", name="Which two belong together?")
    expect(card.locator("img")).to_have_js_property("complete", True)
    expect(card).to_contain_text("+1")
    card.click()
    waiting = shown.get_by_role("list", name="Images to be sent").get_by_role("listitem")
    for place in (0, 1):
        expect(waiting.nth(place)).to_have_attribute("data-state", "ready")
    shown.close()
    save(admin)

    chat = visit()
    card = chat.page.get_by_role("button", name="Which two belong together?")
    expect(card).to_contain_text("+1")
    card.click()
    expect(chat.message).to_have_value("Which two belong together?")
    expect(chat.thumbnails).to_have_count(2)
    for place in (0, 1):
        expect(chat.thumbnails.nth(place)).to_have_attribute("data-state", "ready")
    expect(chat.model).to_have_value(SECOND)
    chat.button("Send").click()
    chat.expect_state("complete")
    asked = own_site.worker.requests[-1]
    assert (asked["model"], asked["temperature"], len(asked["images"])) == (SECOND, 0.2, 2)
    chat.reload()
    chat.page.get_by_text("Parameters", exact=True).click()
    expect(chat.page.get_by_role("slider", name="Temperature")).to_have_value("0.8")
