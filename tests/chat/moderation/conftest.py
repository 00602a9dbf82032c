import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from chat.kept import Kept
from chat.models import ModerationCheck


class Service:
    """A moderation service over real HTTP: `answer` handles each request, `requests` keeps what came."""

    def __init__(self):
        self.requests = []
        self.answer = flags_words
        self.release = threading.Event()
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                service.requests.append((self.path, dict(self.headers), body))
                service.answer(self, body)

            def log_message(self, *arguments):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1/moderations"


def send(handler, status, body, **headers):
    handler.send_response(status)
    for name, value in {"Content-Length": str(len(body)), **headers}.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(body)


def send_json(handler, value):
    send(handler, 200, json.dumps(value).encode(), Content_Type="application/json")


def flags_words(handler, body):
    """Answer as OpenAI does, and flag a text that holds the word "attack"."""
    given = json.loads(body)["input"]
    flagged = isinstance(given, str) and "attack" in given
    send_json(
        handler,
        {
            "id": "modr-1",
            "model": "omni-moderation-latest",
            "results": [
                {
                    "flagged": flagged,
                    "categories": {"violence": flagged, "violence/graphic": flagged, "hate": False},
                    "category_scores": {"violence": 0.98 if flagged else 0.01, "hate": 0.02},
                }
            ],
        },
    )


@contextmanager
def running(service):
    thread = threading.Thread(target=service.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield service
    finally:
        service.release.set()
        service.server.shutdown()
        thread.join()
        service.server.server_close()


@pytest.fixture
def service(settings):
    with running(Service()) as service:
        settings.MMCHAT_MODERATION_URL = service.url
        settings.MMCHAT_MODERATION_KEY = "sk-very-secret"
        settings.MMCHAT_MODERATION_TIMEOUT = 5
        settings.MMCHAT_MODERATION_WHEN_DOWN = "closed"
        yield service


def make_check(name="words", kind="lists", **fields):
    """Store a check that counts at once."""
    check = ModerationCheck.objects.create(name=name, kind=kind, **fields)
    Kept.forget_all()
    return check
