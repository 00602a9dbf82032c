"""What a visitor sees of content checks: of a warning, of what is held for a moderator, and of what is refused."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import expect

from tests.browser.scripted_worker import Hold, ScriptedWorker
from tests.office import Office


class Check(BaseHTTPRequestHandler):
    """A moderation service that dislikes one word."""

    def do_POST(self):
        text = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["input"]
        body = json.dumps({"results": [{"flagged": "gunpowder" in str(text)}]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def moderation_url():
    with ThreadingHTTPServer(("127.0.0.1", 0), Check) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/v1/moderations"
        server.shutdown()


def test_a_message_kept_back_returns_to_the_box_with_its_image(start_site, moderation_url, open_page):
    site = start_site("--moderate", environment={"MMCHAT_MODERATION_URL": moderation_url})
    worker = ScriptedWorker()
    worker.register(site.controller)
    site.wait_for_model()
    chat = open_page(site=site)
    chat.add_image("shapes.png")
    chat.ask("How do I make gunpowder?")

    expect(chat.problem).to_contain_text("Your message is back here")
    expect(chat.message).to_have_value("How do I make gunpowder?")
    expect(chat.thumbnails).to_have_count(1)
    expect(chat.questions.get_by_text("Not sent")).to_be_visible()
    expect(chat.reply).to_contain_text("our content check found something")
    assert worker.requests == []
    chat.expect_accessible()
    chat.picture("kept-back")

    chat.write("How do I make bread?")
    chat.button("Send").click()
    chat.expect_text("This is my answer.")
    assert "gunpowder" not in worker.requests[0]["prompt"]
    worker.close()


@pytest.fixture(scope="module")
def checked(start_site):
    """A site whose checks warn of, hold and refuse words; its worker and its office."""
    site = start_site()
    worker = ScriptedWorker()
    worker.register(site.controller)
    site.wait_for_model()
    office = Office(site)
    for outcome in ("warned", "held", "refused"):
        office.add_check(name=outcome, words=outcome, on_replies="on", outcome=outcome)
    yield site, worker, office
    worker.close()


def test_a_warning_stands_beside_the_reply_and_after_a_reload(checked, open_page):
    site, worker, _ = checked
    chat = open_page(site=site)
    worker.will_say("You were warned.")
    chat.ask("Hello?")
    chat.expect_state("complete")
    warning = chat.reply.get_by_text("Our content check found something in this reply. Read it with care.")
    expect(warning).to_be_visible()
    expect(chat.reply_text).to_have_text("You were warned.")
    chat.expect_accessible()
    chat.reload()
    expect(warning).to_be_visible()


def test_a_held_message_waits_and_is_answered_when_it_is_asked_again(checked, open_page):
    site, worker, office = checked
    chat = open_page(site=site)
    chat.ask("What is held?")
    expect(chat.reply).to_contain_text("This message waits for a moderator")
    expect(chat.message).to_have_value("")
    office.decide("dismissed", "held")
    expect(chat.reply).to_contain_text("A moderator has let this message through")
    worker.will_say("A tree.")
    chat.button("Regenerate").click()
    chat.expect_text("A tree.")


def test_a_reply_that_is_refused_leaves_the_page_and_one_that_is_held_comes_back(checked, open_page):
    site, worker, office = checked
    chat = open_page(site=site)
    hold = Hold()
    worker.will_say("This is refused", hold, " and more.")
    chat.ask("Hello?")
    expect(chat.reply_text).to_have_text("This is refused")
    hold.set()
    expect(chat.reply).to_contain_text("This reply is not shown")
    expect(chat.reply_text).to_have_text("")
    chat.expect_accessible()

    worker.will_say("This is held.")
    chat.button("Regenerate").click()
    expect(chat.reply).to_contain_text("This reply waits for a moderator")
    expect(chat.reply_text).to_have_text("")
    office.decide("dismissed", "held")
    chat.expect_text("This is held.")
