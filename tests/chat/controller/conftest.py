import http.server
import json
import threading

import pytest


class Controller:
    """The built-in controller's calls, as Django's test client makes them."""

    def __init__(self, client, secret):
        self.client = client
        self.secret = secret

    def path(self, call):
        return f"/workers/{self.secret}/{call}"

    def raw(self, call, body, content_type="application/json"):
        return self.client.post(self.path(call), body, content_type=content_type)

    def post(self, call, **body):
        response = self.raw(call, json.dumps(body))
        assert response.status_code == 200, response.content
        return response.json()

    def register(self, address="http://127.0.0.1:1", models=("m",), *, speed=1, queue_length=0, **fields):
        told = {"protocol": fields.pop("protocol")} if "protocol" in fields else {}
        return self.post(
            "register_worker",
            worker_name=address,
            check_heart_beat=fields.pop("check_heart_beat", True),
            worker_status={"model_names": list(models), "speed": speed, "queue_length": queue_length, **told},
            **fields,
        )

    def models(self):
        return self.post("list_models")["models"]

    def address_for(self, model):
        return self.post("get_worker_address", model=model)["address"]


@pytest.fixture
def controller(client, settings, db):
    settings.MMCHAT_WORKER_SECRET = "the-secret"
    return Controller(client, "the-secret")


class StatusServer(http.server.ThreadingHTTPServer):
    """A worker that knows only `/worker_get_status`; `answer` is its status code and body."""

    daemon_threads = True
    block_on_close = False

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _StatusHandler)
        self.answer = (200, {"model_names": ["m"], "speed": 2, "queue_length": 3})
        self.asked = []
        self.address = f"http://127.0.0.1:{self.server_address[1]}"
        self.thread = threading.Thread(target=self.serve_forever, args=(0.01,))
        self.thread.start()

    def end(self):
        self.shutdown()
        self.server_close()
        self.thread.join()


class _StatusHandler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.asked.append(self.path)
        status, body = self.server.answer
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        if status == 302:
            self.send_header("Location", "/elsewhere")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def start_status_server():
    servers = []

    def start():
        servers.append(StatusServer())
        return servers[-1]

    yield start
    for server in servers:
        server.end()
