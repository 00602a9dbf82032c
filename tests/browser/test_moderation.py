"""With --moderate: what the check keeps back goes back into the box, kindly explained."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import expect

from tests.browser.scripted_worker import ScriptedWorker


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
