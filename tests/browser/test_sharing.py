"""Sharing a conversation, and taking it away: the visitor's side, and what a stranger gets."""

import base64
import hashlib
import json
import re

import pytest
from playwright.sync_api import expect

from tests.browser.chat_page import ROOT
from tests.browser.scripted_worker import Hold

ANSWER = (
    "The total is **20.40**.\n\n```python\nsum([7.6, 3.5])\n```\n\n| a | b |\n|:-:|--:|\n| 1 | 2 |\n\n"
    "$$x^2$$\n\n[a link](https://example.org/) <script>alert(1)</script>"
)


@pytest.fixture
def talked(chat, worker):
    """A conversation of one turn, with a picture."""
    worker.will_say(ANSWER)
    chat.add_image("receipt.png")
    chat.ask_and_wait("What does this add up to?")
    return chat


def dialog(chat):
    return chat.page.get_by_role("dialog", name="Share or save")


def make_link(chat):
    chat.button("Share or save").click()
    dialog(chat).get_by_role("button", name="Make a link").click()
    address = dialog(chat).get_by_role("textbox", name="Address of the link")
    expect(address).to_have_value(re.compile(r"/s/[0-9a-f-]{36}/$"))
    return address.input_value().removeprefix(chat.url)


def save(chat, button, path):
    with chat.page.expect_download() as download:
        dialog(chat).get_by_role("button", name=button).click()
    download.value.save_as(path)
    expect(dialog(chat).get_by_role("status")).to_contain_text("Saved as conversation-")
    return path.read_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390, 320])
def test_a_stranger_reads_what_was_shared_and_nothing_else(open_page, talked, new_context, width, scheme):
    path = make_link(talked)
    talked.expect_accessible()
    talked.picture("share-dialog")
    context = new_context(viewport={"width": width, "height": 740}, color_scheme=scheme)
    stranger = open_page(path, context)
    page = stranger.page
    expect(page.get_by_role("heading", level=1)).to_have_text("What does this add up to?")
    expect(page.locator(".reply strong")).to_have_text("20.40")
    expect(page.locator(".reply .is-drawn")).to_be_visible()
    expect(page.locator(".reply .hljs-number").first).to_be_visible()
    picture = page.get_by_role("img", name="Image 1")
    expect(picture).to_have_js_property("complete", True)
    assert picture.evaluate("(image) => image.naturalWidth") > 0
    assert picture.get_attribute("src").startswith(path)
    stranger.expect_accessible()
    stranger.expect_no_sideways_scrolling()
    stranger.picture(f"shared-{width}-{scheme}", full_page=True)
    assert context.cookies() == []
    assert not page.get_by_role("textbox").count()


def test_the_link_follows_only_when_told_and_is_gone_when_taken_back(open_page, talked):
    path = make_link(talked)
    talked.page.keyboard.press("Escape")
    talked.ask_and_wait("And without the coffee?")
    stranger = open_page(path)
    expect(stranger.page.locator("article.reply")).to_have_count(1)

    talked.button("Share or save").click()
    dialog(talked).get_by_role("button", name="Show this instead").click()
    expect(dialog(talked).get_by_role("status")).to_have_text("The link shows what is on screen now.")
    expect(dialog(talked).get_by_role("button", name="Show this instead")).to_be_hidden()
    stranger.reload()
    expect(stranger.page.locator("article.reply")).to_have_count(2)

    dialog(talked).get_by_role("button", name="Take the link back").click()
    expect(dialog(talked).get_by_role("button", name="Make a link")).to_be_focused()
    stranger.allow("404 (Not Found)")
    stranger.reload()
    expect(stranger.page.get_by_role("heading", name="There is nothing here")).to_be_visible()


def test_a_running_reply_is_shared_after_its_end(chat, worker):
    hold = Hold()
    worker.will_say("Half", hold, " and half")
    chat.ask("One")
    chat.expect_text("Half")
    chat.allow("409 (Conflict)")
    chat.button("Share or save").click()
    dialog(chat).get_by_role("button", name="Make a link").click()
    expect(dialog(chat).get_by_role("alert")).to_have_text("Wait until the reply has ended, then share it.")
    hold.set()
    chat.page.keyboard.press("Escape")
    chat.expect_state("complete")
    make_link(chat)


def test_a_conversation_is_copied_as_markdown(talked):
    talked.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    talked.button("Share or save").click()
    dialog(talked).get_by_role("button", name="Copy as Markdown").click()
    expect(dialog(talked).get_by_role("status")).to_have_text("Copied")
    copied = talked.page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("# What does this add up to?\n\n**You:**\n\n*[receipt.png, ")
    assert copied.endswith(f"**llava-v1.5-13b:**\n\n{ANSWER}\n")


def test_a_conversation_is_saved_as_json_with_its_pictures(talked, tmp_path):
    talked.button("Share or save").click()
    data = json.loads(save(talked, "Save as JSON", tmp_path / "conversation.json"))
    question, reply = data["messages"]
    assert (question["text"], reply["text"]) == ("What does this add up to?", ANSWER)
    assert (reply["state"], reply["model"], reply["opinion"]["vote"]) == (
        "complete",
        "llava-v1.5-13b",
        None,
    )
    kind, _, picture = question["images"][0]["data"].partition(",")
    assert kind == "data:image/png;base64"
    assert base64.b64decode(picture).startswith(b"\x89PNG")


def test_a_conversation_is_saved_as_a_page_that_needs_nothing_and_runs_nothing(talked, new_context, tmp_path):
    talked.button("Share or save").click()
    file = tmp_path / "conversation.html"
    text = save(talked, "Save as a page", file)
    assert "<script" not in text.replace("&lt;script", "")
    assert not re.search(r"""(?:src|href)="(?!data:|#|https://example\.org/)""", text)
    page = new_context(offline=True).new_page()
    complaints = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("request", lambda request: complaints.append(request.url))
    page.goto(file.as_uri())
    expect(page.get_by_role("heading", level=1)).to_have_text("What does this add up to?")
    expect(page.locator("math")).to_be_visible()
    expect(page.locator("td").last).to_have_text("2")
    expect(page.get_by_text("<script>alert(1)</script>")).to_be_visible()
    assert page.get_by_role("img").evaluate("(image) => image.naturalWidth") > 0
    # Its style holds: the policy's hash is right.
    assert page.locator("article.user").evaluate("(each) => getComputedStyle(each).borderRadius") == "12px"
    assert [each for each in complaints if not each.startswith(("file:", "data:"))] == []


def test_the_policy_of_a_saved_page_names_its_style():
    source = (ROOT / "static" / "js" / "lib" / "takeaway_style.js").read_text()
    style = re.search(r"STYLE = `(.*?)`;", source, re.S)[1]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"'sha256-{digest}'" in source
