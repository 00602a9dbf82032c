"""FastChat's controller and worker as far as the site asks them, in this process, over real HTTP."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.outside import Controller

CONV = {
    "name": "vicuna_v1.1",
    "system_template": "{system_message}",
    "system_message": "A chat.",
    "roles": ["USER", "ASSISTANT"],
    "messages": [],
    "offset": 0,
    "sep_style": 2,
    "sep": " ",
    "sep2": "</s>",
    "stop_str": None,
    "stop_token_ids": None,
}


class FastChatController(Controller):
    """Also tells which models have eyes."""

    def answer(self, path: str, body) -> tuple[int, object]:
        if path == "/list_multimodal_models":
            seeing = [worker["model_names"] for worker in self.workers.values() if worker.get("multimodal")]
            return 200, {"models": [name for names in seeing for name in names]}
        return super().answer(path, body)


class FastChatWorker:
    """Says its words one by one, with counts, and what its template is."""

    def __init__(self, *words: str) -> None:
        self.words = words or ("Hello", " there")
        self.reason = "stop"
        self.conv: dict | None = dict(CONV)
        self.requests: list[dict] = []
        self.templates_asked = 0
        worker = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if self.path == "/worker_get_conv_template":
                    worker.templates_asked += 1
                    return self._send(*((200, {"conv": worker.conv}) if worker.conv else (404, {})))
                worker.requests.append(json.loads(data))
                self.send_response(200)
                self.end_headers()
                for count in range(1, len(worker.words) + 1):
                    last = count == len(worker.words)
                    frame = {
                        "text": "".join(worker.words[:count]),
                        "error_code": 0,
                        "usage": {"prompt_tokens": 9, "completion_tokens": count, "total_tokens": 9 + count},
                        "finish_reason": worker.reason if last else None,
                    }
                    self.wfile.write(json.dumps(frame).encode() + b"\0")
                return None

            def _send(self, status: int, value: object) -> None:
                payload = json.dumps(value).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(payload)))
                self.end_headers()
                self.wfile.write(payload)

            def log_message(self, *arguments) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
