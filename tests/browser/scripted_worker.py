"""A worker of LLaVA's, InternVL2's or FastChat's protocol that says what a test tells it, and waits where it should."""

import json
import threading
import time
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import requests

MODEL = "llava-v1.5-13b"
PATIENCE = 30  # seconds that a held reply waits at most


class Hold(threading.Event):
    """A place in a reply where the worker waits until `set()`."""


class Pause(float):
    """Seconds in which nothing is said."""


class Instead(str):
    """A text that takes the place of all that was said before."""


class Failure(str):
    """An error of the worker's, ending its reply."""


class Cut(str):
    """The last words before the limit of tokens."""


class ScriptedWorker:
    """Serve any of the protocols on a free port, from threads of this process; it registers with `protocol`."""

    def __init__(self, *models: str, protocol: str = "") -> None:
        self.models = models or (MODEL,)
        self.protocol = protocol
        self.replies: deque[tuple] = deque()
        self.requests: list[dict] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.address = f"http://127.0.0.1:{self._server.server_port}"

    def register(self, controller: str) -> None:
        requests.post(
            f"{controller}/register_worker",
            json={"worker_name": self.address, "check_heart_beat": False, "worker_status": self.status},
            timeout=10,
        ).raise_for_status()

    @property
    def status(self) -> dict:
        told = {"protocol": self.protocol} if self.protocol else {}
        return {"model_names": list(self.models), "speed": 1, "queue_length": 0, **told}

    def will_say(self, *pieces) -> None:
        """Set what the next reply is made of: texts, `Hold`s, `Pause`s, an `Instead`, a `Failure`, a `Cut`."""
        self.replies.append(pieces)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def _handler(worker: ScriptedWorker) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if self.path == "/worker_get_status":
                self._answer(json.dumps(worker.status).encode())
            elif self.path == "/worker_generate_stream":
                self._stream(json.loads(body))
            else:
                self.send_error(404)

        def _answer(self, content):
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def _stream(self, request):
            worker.requests.append(request)
            self.send_response(200)
            self.end_headers()
            echoes = isinstance(request["prompt"], str) and request.get("echo", True)
            echoed = text = request["prompt"] if echoes else ""
            for piece in worker.replies.popleft() if worker.replies else ("This is my answer.",):
                if isinstance(piece, Hold):
                    piece.wait(PATIENCE)
                    continue
                if isinstance(piece, Pause):
                    time.sleep(piece)
                    continue
                failed = isinstance(piece, Failure)
                if failed:
                    text = str(piece)
                elif isinstance(piece, Instead):
                    text = echoed + piece
                else:
                    text += piece
                frame = {"text": text, "error_code": 1 if failed else 0}
                if isinstance(piece, Cut):
                    frame["finish_reason"] = "length"
                try:
                    self.wfile.write(json.dumps(frame).encode() + b"\0")
                except OSError:
                    return  # the visitor stopped it

        def log_message(self, *arguments):
            pass

    return Handler
