"""The page in a frame of another site, in a browser that gives third parties no cookies."""

import re
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import Error, expect

from tests.browser.chat_page import ChatPage
from tests.running import wait_until

AROUND = """<!doctype html><title>Another site</title><link rel="icon" href="data:,">
<p id="heard"></p>
<iframe id="chat" title="Chat" src="{embed}" width="100%" height="500" allow="clipboard-write"></iframe>
<script>
addEventListener("message", ({{ data, origin, source }}) => {{
  if (origin !== "{site}" || data?.type !== "mmchat.height") return;
  document.getElementById("heard").textContent = JSON.stringify(data);
  for (const frame of document.querySelectorAll("iframe")) {{
    if (frame.contentWindow === source) frame.style.height = `${{Math.min(data.height, 2000)}}px`;
  }}
}});
</script>"""
THIRD = """<!doctype html><link rel="icon" href="data:,"><p id="kept"></p><script>
document.cookie = "probe=1; SameSite=None; Secure";
document.getElementById("kept").textContent = `cookies: ${document.cookie}`;
</script>"""


class OtherSite:
    """A web site of somebody else's, under two names that no browser takes for the same."""

    def __init__(self) -> None:
        site = self
        self.pages: dict[str, str] = {}

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                page = site.pages.get(self.path, "").encode()
                self.send_response(200 if page else 404)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(page)))
                self.end_headers()
                self.wfile.write(page)

            def log_message(self, *arguments):
                pass

        self._server = ThreadingHTTPServer(("", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        port = self._server.server_port
        self.url, self.other_url = f"http://localhost:{port}", f"http://127.0.0.1:{port}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class Framed(ChatPage):
    """The page in the frame of a tab."""

    def __init__(self, around: ChatPage) -> None:
        self.__dict__.update(around.__dict__)
        expect(around.page.locator("#chat")).to_be_visible()
        self.page = around.page.locator("#chat").element_handle().content_frame()


@pytest.fixture
def other_site():
    other = OtherSite()
    yield other
    other.close()


@pytest.fixture
def around(other_site, open_page, site, worker):
    """A page of an allowed site with ours in a frame; no cookie reaches ours or is kept."""
    site.change(
        f"INSERT INTO chat_embeddingsite (origin, note, created) VALUES ('{other_site.url}', '', '2026-11-26')"
    )
    time.sleep(1.1)  # in which every process has heard of it
    other_site.pages["/"] = AROUND.format(embed=f"{site.url}/embed/", site=site.url)
    tab = open_page("about:blank", at=other_site.url)
    tab.allow(f"asked another host: {site.url}")
    tab.page.context.new_cdp_session(tab.page).send(
        "Network.setCookieControls",
        {
            "enableThirdPartyCookieRestriction": True,
            "disableThirdPartyCookieMetadata": True,
            "disableThirdPartyCookieHeuristics": True,
        },
    )
    tab.visit("/")
    yield tab
    # What the frame keeps, where this browser forbids it all other storage, is for this site around it alone.
    kept = tab.page.context.cookies()
    assert all(cookie["name"].startswith("mmchat.") for cookie in kept)
    assert all(cookie.get("partitionKey", "").startswith("http://localhost") for cookie in kept)
    site.change("DELETE FROM chat_embeddingsite")


def height(tab):
    return tab.page.locator("#chat").bounding_box()["height"]


def test_this_browser_keeps_no_cookies_of_third_parties(around, other_site):
    other_site.pages["/around"] = (
        f'<link rel="icon" href="data:,"><iframe id="third" src="{other_site.other_url}/third"></iframe>'
    )
    other_site.pages["/third"] = THIRD
    around.allow("asked another host")
    around.visit("/around")
    expect(around.page.frame_locator("#third").locator("#kept")).to_have_text("cookies:")


def test_a_visitor_in_a_frame_asks_with_a_picture_votes_and_finds_it_all_after_a_reload(around):
    chat = Framed(around)
    chat.add_image("receipt.png")
    chat.ask_and_wait("What is this?")
    chat.button("Upvote").click()
    expect(chat.button("Upvote")).to_have_attribute("aria-pressed", "true")

    around.reload()
    chat = Framed(around)
    chat.expect_text("This is my answer.")
    expect(chat.button("Upvote")).to_have_attribute("aria-pressed", "true")
    picture = chat.questions.locator("img")
    expect(picture).to_have_js_property("complete", True)
    assert picture.evaluate("(image) => image.naturalWidth") > 0
    assert "signature=" in picture.get_attribute("src")
    chat.ask_and_wait("And again?")
    chat.button("History").click()
    # No link: in a tab of its own the conversation would belong to nobody there.
    entry = chat.page.get_by_role("dialog").locator(".history-link")
    expect(entry).to_contain_text("What is this?")
    expect(chat.page.get_by_role("dialog").get_by_role("link")).to_have_count(0)
    around.picture("embedded-history")
    chat.page.get_by_role("dialog").get_by_role("button", name="Close").click()
    around.picture("embedded")
    chat.button("Clear").click()
    expect(chat.replies).to_have_count(0)
    chat.button("History").click()
    tabs = len(around.page.context.pages)
    entry.click(modifiers=["Control"])
    expect(chat.replies).to_have_count(2)
    assert len(around.page.context.pages) == tabs


def test_a_draft_with_its_picture_survives_a_reload(around):
    chat = Framed(around)
    chat.add_image("chart.png")
    chat.write("Half a thought")
    around.reload()
    chat = Framed(around)
    expect(chat.message).to_have_value("Half a thought")
    expect(chat.thumbnails).to_have_attribute("data-state", "ready")
    assert (
        chat.thumbnails.locator("img").evaluate("(image) => image.decode().then(() => image.naturalWidth)")
        > 0
    )


def test_the_frame_grows_with_what_it_shows_and_shrinks_again(around, worker):
    worker.will_say("\n\n".join(["A paragraph."] * 24))
    chat = Framed(around)
    expect(around.page.locator("#heard")).to_contain_text('"type":"mmchat.height"')
    chat.wait_for_connection()
    before = height(around)
    chat.ask_and_wait("Tell me much")
    wait_until(lambda: height(around) > before + 100)
    wait_until(lambda: chat.page.evaluate("scroller.scrollHeight - scroller.clientHeight") <= 1)
    chat.button("Clear").click()
    wait_until(lambda: abs(height(around) - before) <= 1)


def test_the_address_chooses_model_theme_and_language(around, site, other_site):
    other_site.pages["/dark"] = AROUND.format(
        embed=f"{site.url}/embed/?theme=dark&lang=en&model=llava-v1.5-13b", site=site.url
    )
    around.visit("/dark")
    chat = Framed(around)
    expect(chat.model).to_have_value("llava-v1.5-13b")
    expect(chat.page.locator("body")).to_have_css("background-color", "rgb(20, 21, 23)")
    chat.ask_and_wait()
    chat.expect_accessible()
    around.picture("embedded-dark")


def is_new(page):
    """Tell whether a page that was marked has made room for another one."""
    try:
        return not page.evaluate("window.isOld")
    except Error:  # it is about to
        return False


def test_deleting_everything_in_a_frame_begins_anew_there(around, worker):
    chat = Framed(around)
    chat.ask_and_wait("Mine")
    chat.button("Your data").first.click()
    chat.button("Delete everything of mine").click()
    dialog = chat.page.get_by_role("dialog", name="Delete everything of yours?")
    chat.page.evaluate("window.isOld = true")
    dialog.get_by_role("button", name="Delete").click()
    wait_until(lambda: is_new(chat.page), 20, "the page of somebody new")
    expect(chat.replies).to_have_count(0)
    chat.wait_for_connection()
    chat.ask_and_wait("Somebody new")
    chat.button("History").click()
    expect(chat.page.get_by_role("dialog").locator(".history-link")).to_have_count(1)


def test_terms_that_were_accepted_in_a_frame_are_not_asked_for_again(around, terms):
    terms("frame", "Be kind.")
    around.reload()
    chat = Framed(around)
    chat.ask("May I?")
    chat.button("Accept").click()
    chat.expect_state("complete")
    with around.page.expect_response("**/consent/"):
        around.reload()
    chat = Framed(around)
    chat.ask_and_wait("And again?")
    expect(chat.page.get_by_role("dialog", name="Terms of use")).to_be_hidden()


def test_a_token_that_the_site_does_not_know_costs_one_reload(around, site):
    chat = Framed(around)
    chat.wait_for_connection()
    chat.page.evaluate(
        "document.cookie = 'mmchat.visitor=%22nobody.forged%22; Path=/embed/; SameSite=None; Secure; Partitioned'"
    )
    around.allow("403 (Forbidden)")
    around.reload()
    chat = Framed(around)
    chat.button("Reload").click()
    chat.wait_for_connection()
    chat.ask_and_wait("Somebody new")


def test_a_picture_whose_address_is_over_is_fetched_again(around):
    chat = Framed(around)
    chat.add_image("receipt.png")
    chat.ask_and_wait("What is this?")
    around.allow("404 (Not Found)")
    picture = chat.questions.locator("img")
    picture.evaluate("(image) => (image.src = image.src.replace(/until=[0-9]+/, 'until=1'))")
    expect(picture).to_have_attribute("src", re.compile("^blob:"))
    assert picture.evaluate("(image) => image.decode().then(() => image.naturalWidth)") > 0


def test_a_site_that_is_not_allowed_shows_nothing(around, other_site, site):
    other_site.pages["/same"] = other_site.pages["/"]
    around.allow("frame-ancestors")
    around.allow("asked another host")
    around.page.goto(f"{other_site.other_url}/same")
    frame = around.page.locator("#chat").element_handle().content_frame()
    expect(frame.locator("#message")).to_have_count(0)
    expect(around.page.locator("#heard")).to_be_empty()


def test_the_snippet_of_the_administration_is_all_that_a_page_needs(around, other_site, open_page, site):
    admin = open_page("/admin/chat/embeddingsite/")
    name, password = re.search(r"administrator +(\S+), password (\S+)", site.log).groups()
    admin.page.get_by_label("Username").fill(name)
    admin.page.get_by_label("Password").fill(password)
    admin.button("Log in").click()
    snippet = admin.page.get_by_role("textbox", name="Snippet")
    admin.page.get_by_role("combobox", name="Colours").select_option("dark")
    admin.page.get_by_role("combobox", name="Language").select_option("en")
    expect(snippet).to_have_value(re.compile("theme=dark&amp;lang=en"))
    admin.button("Copy").click()
    expect(admin.page.get_by_role("status").first).to_have_text("Copied")
    admin.picture("admin-embedding")

    other_site.pages["/snippet"] = (
        f"""<!doctype html><link rel="icon" href="data:,">{snippet.input_value()}"""
    )
    around.visit("/snippet")
    around.page.locator("iframe").evaluate("(frame) => (frame.id = 'chat')")
    chat = Framed(around)
    expect(chat.page.locator("html")).to_have_attribute("data-theme", "dark")
    chat.ask_and_wait()
    expect(chat.button("Upvote")).to_be_visible()
    wait_until(lambda: height(around) != 600)  # what the snippet begins with
