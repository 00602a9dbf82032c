"""A small OpenAI-speaking server in this process, over real HTTP, that answers as a test says."""

import contextlib
import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

DONE = b"data: [DONE]\n\n"


def event(**fields) -> bytes:
    return b"data: " + json.dumps(fields).encode() + b"\n\n"


def delta(finish_reason=None, **said) -> bytes:
    return event(id="1", choices=[{"index": 0, "delta": said, "finish_reason": finish_reason}], usage=None)


def usage(prompt: int, output: int) -> bytes:
    return event(choices=[], usage={"prompt_tokens": prompt, "completion_tokens": output})


def spoken(*words: str, finish_reason="stop", tokens: tuple[int, int] | None = None) -> list[bytes]:
    """Give the events of a whole answer, a word each."""
    counted = [usage(*tokens)] if tokens else []
    return [
        delta(role="assistant", content=""),
        *(delta(content=word) for word in words),
        delta(finish_reason),
        *counted,
        DONE,
    ]


class OpenAI:
    """Serve `/v1/models` and `/v1/chat/completions`; with a `key` only to those who bring it.

    `answer` is what every question gets, or gives it for a body: a status with JSON, or the pieces of a stream; a
    number among them is a pause in seconds, an Event is waited for.
    """

    def __init__(self, *models: str, key: str = "", port: int = 0, prefix: str = "/v1") -> None:
        self.models, self.key, self.prefix = list(models), key, prefix
        self.answer: tuple[int, object] | list | Callable = spoken("Hello", " there", tokens=(7, 2))
        self.listing: tuple[int, str, bytes] | None = None  # status, type and body instead of the list
        self.redirect = ""
        self.headers: dict[str, str] = {}
        self.requests: list[dict] = []
        self.seen: list[tuple[str, dict[str, str]]] = []
        self.client_gone = threading.Event()
        double = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                double.seen.append((self.path, dict(self.headers)))
                if not self._is_let_in():
                    return None
                if self.path != double.prefix + "/models":
                    return self._json(404, {"detail": "Not Found"})
                if double.listing:
                    return self._send(*double.listing)
                listed = [{"id": name, "object": "model"} for name in double.models]
                return self._json(200, {"object": "list", "data": listed})

            def do_POST(self) -> None:
                double.seen.append((self.path, dict(self.headers)))
                data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if not self._is_let_in():
                    return
                if self.path != double.prefix + "/chat/completions":
                    return self._json(404, {"detail": "Not Found"})
                body = json.loads(data)
                double.requests.append(body)
                answer = double.answer(body) if callable(double.answer) else double.answer
                if isinstance(answer, tuple):
                    return self._json(*answer)
                self.send_response(200)
                self.send_header("Content-Type", "text/event-stream")
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                try:
                    self._stream(answer)
                except OSError:
                    double.client_gone.set()
                    self.close_connection = True

            def _is_let_in(self) -> bool:
                if double.redirect:
                    self.send_response(302)
                    self.send_header("Location", double.redirect)
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return False
                if double.key and self.headers.get("Authorization") != f"Bearer {double.key}":
                    # Some repeat what they were sent.
                    sent = self.headers.get("Authorization", "")
                    self._json(
                        401, {"error": {"message": f"Incorrect API key provided: {sent}", "code": 401}}
                    )
                    return False
                if not self.path.startswith(double.prefix + "/"):
                    self._json(404, {"detail": "Not Found"})
                    return False
                return True

            def _stream(self, pieces) -> None:
                for piece in pieces:
                    if isinstance(piece, bytes):
                        self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
                        self.wfile.flush()
                    elif isinstance(piece, threading.Event):
                        self._wait(piece)
                    else:
                        time.sleep(piece)
                self.wfile.write(b"0\r\n\r\n")

            def _wait(self, until: threading.Event) -> None:
                self.connection.settimeout(0.02)
                while not until.is_set():
                    with contextlib.suppress(TimeoutError):
                        if not self.connection.recv(1):
                            double.client_gone.set()
                            raise BrokenPipeError
                self.connection.settimeout(None)

            def _json(self, status: int, value: object) -> None:
                self._send(status, "application/json", json.dumps(value).encode())

            def _send(self, status: int, kind: str, payload: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(payload)))
                for name, value in double.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(payload)

            def log_message(self, *arguments) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        self.root = f"http://127.0.0.1:{self.port}"
        self.url = self.root + prefix
        self._thread = threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self._thread.join()
        self.server.server_close()
