"""Services outside the site, in this process, over real HTTP: a controller as LLaVA's is, and a content check."""

import contextlib
import json
import ssl
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class Service:
    """An HTTP server on a free port that answers POSTs with what `answer(path, body)` gives: status and JSON."""

    def __init__(self, port: int = 0) -> None:
        self.calls: list[tuple[str, object]] = []
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                body = json.loads(data) if data else None
                service.calls.append((self.path, body))
                status, answer = service.answer(self.path, body)
                payload = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(payload)))
                self.end_headers()
                self.wfile.write(payload)

            def log_message(self, *arguments) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, path: str, body) -> tuple[int, object]:
        return 404, {"path": path}

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


class Controller(Service):
    """The five calls of LLaVA's controller, with its `shortest_queue`."""

    def __init__(self, port: int = 0) -> None:
        self.workers: dict[str, dict] = {}
        super().__init__(port)

    def answer(self, path: str, body) -> tuple[int, object]:
        match path:
            case "/register_worker":
                self.workers[body["worker_name"]] = body["worker_status"]
                return 200, None
            case "/receive_heart_beat":
                return 200, {"exist": body["worker_name"] in self.workers}
            case "/refresh_all_workers":
                return 200, None
            case "/list_models":
                served = [worker["model_names"] for worker in self.workers.values()]
                return 200, {"models": sorted({name for names in served for name in names})}
            case "/get_worker_address":
                having = {
                    url: one for url, one in self.workers.items() if body["model"] in one["model_names"]
                }
                if not having:
                    return 200, {"address": ""}
                url = min(having, key=lambda each: having[each]["queue_length"] / having[each]["speed"])
                having[url]["queue_length"] += 1
                return 200, {"address": url}
        return 404, {"detail": "Not Found"}


class Moderation(Service):
    """OpenAI's `/v1/moderations`: flags what holds the word "forbidden"."""

    def __init__(self) -> None:
        self.status = 200
        super().__init__()

    def answer(self, path: str, body) -> tuple[int, object]:
        bad = "forbidden" in body["input"]
        result = {
            "flagged": bad,
            "categories": {"violence": bad, "hate": False},
            "category_scores": {"violence": 0.9 if bad else 0.01, "hate": 0.02},
        }
        return self.status, {"id": "modr-1", "model": body["model"], "results": [result]}


@contextlib.contextmanager
def self_signed(folder: Path) -> Iterator[str]:
    """Give the https address of a server that signed its certificate itself."""
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-keyout", str(key), "-out", str(certificate), "-days", "1", "-subj", "/CN=localhost",
            "-addext", "subjectAltName=IP:127.0.0.1",
        ],
        check=True,
        capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    server.handle_error = lambda *arguments: None  # whoever does not trust it hangs up
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"https://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
