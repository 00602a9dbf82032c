"""Real HTTP servers on 127.0.0.1 that answer as a test scripts them."""

import asyncio
import contextlib
import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from chat.workers.protocols import PROTOCOLS, GenerationRequest
from chat.workers.stream import make_session, stream_reply
from tests.outside import self_signed

STREAMS = Path(__file__).parents[2] / "streams"
PROMPT = "A chat. USER: Was ist das? 猫 ASSISTANT:"
REPLY = ' Das ist eine Katze \U0001f431, gemütlich auf 数据.\n\n```python\nprint("hi")\n```'


def recorded(name):
    return (STREAMS / name).read_bytes()


def frame(text, error_code=0):
    return json.dumps({"text": text, "error_code": error_code}).encode() + b"\0"


def chunk(data):
    """Return one piece of a chunked body."""
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
END = b"0\r\n\r\n"


class Texts(list):
    """Collect texts, and let a server wait until the client has one."""

    def __init__(self):
        super().__init__()
        self.changed = asyncio.Event()

    def append(self, text):
        super().append(text)
        self.changed.set()

    async def come(self):
        await self.changed.wait()
        self.changed.clear()

    async def ends_with(self, text):
        while not self or self[-1] != text:
            await self.come()


class RawServer:
    """Serve one script to each connection: an async function of (send, server)."""

    def __init__(self, script):
        self.script = script
        self.address = ""
        self.head = b""
        self.body = b""
        self.connections = 0
        self.client_gone = asyncio.Event()
        self.writer = None
        self.listener = None
        self.tasks = []

    async def handle(self, reader, writer):
        self.connections += 1
        self.writer = writer
        self.tasks.append(asyncio.current_task())
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            self.head = await reader.readuntil(b"\r\n\r\n")
            length = next(
                int(line.split(b":")[1])
                for line in self.head.split(b"\r\n")
                if line.lower().startswith(b"content-length")
            )
            self.body = await reader.readexactly(length)
            self.tasks.append(asyncio.create_task(self.watch(reader)))
            await self.script(self)
        writer.close()

    async def stop(self):
        """End every connection; raise what a script raised."""
        self.listener.close()
        for task in self.tasks:
            task.cancel()
        outcomes = await asyncio.gather(*self.tasks, return_exceptions=True)
        if self.writer is not None:
            self.writer.transport.abort()
            # The transport closes its socket in the loop's next round.
            await asyncio.sleep(0)
        failed = [error for error in outcomes if isinstance(error, Exception)]
        assert not failed, failed

    async def watch(self, reader):
        with contextlib.suppress(ConnectionError):
            await reader.read()
        self.client_gone.set()

    async def send(self, *pieces):
        for piece in pieces:
            self.writer.write(piece)
            await self.writer.drain()

    async def frames(self, *texts):
        await self.send(*(chunk(frame(text)) for text in texts))

    def reset(self):
        """Close with a TCP reset instead of an orderly end."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.writer.transport.abort()


@pytest.fixture
async def serve():
    """Return a function that starts a RawServer and gives it back with its address."""
    async with contextlib.AsyncExitStack() as stack:

        async def start(script):
            server = RawServer(script)
            server.listener = await asyncio.start_server(server.handle, "127.0.0.1", 0)
            server.address = f"http://127.0.0.1:{server.listener.sockets[0].getsockname()[1]}"
            stack.push_async_callback(server.stop)
            return server

        yield start


@pytest.fixture
async def session():
    async with make_session() as opened:
        yield opened


@pytest.fixture
def stream(session):
    """Return a function that streams a reply and appends its texts to a list."""

    def run(address, texts, *, protocol=PROTOCOLS["internvl2"], request=None, **options):
        request = request or GenerationRequest("m", [])
        return stream_reply(
            session, address, protocol, request, lambda got: texts.append(got.text), **options
        )

    return run


@pytest.fixture
def answering():
    """Return a function that starts a threaded server: path → (status, headers, body) or a callable."""
    running = []

    def start(answers):
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                server.requests.append((self.path, json.loads(body) if body else None))
                answer = answers[self.path]
                with contextlib.suppress(ConnectionError):
                    if callable(answer):
                        answer(self)
                        return
                    status, headers, content = answer
                    self.send_response(status)
                    for name, value in headers.items():
                        self.send_header(name, value)
                    self.send_header("Content-Length", str(len(content)))
                    self.end_headers()
                    self.wfile.write(content)

            def log_message(self, *args):
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.requests = []
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        running.append((server, thread))
        return server, f"http://127.0.0.1:{server.server_address[1]}"

    yield start
    for server, thread in running:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def closed_port():
    """Return a port of 127.0.0.1 at which nothing listens."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


@pytest.fixture
def full_listener():
    """Return an address whose listener takes no more connections: its backlog is full."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
def tls_address(tmp_path):
    """Return the address of a server whose certificate nobody vouches for."""
    with self_signed(tmp_path) as address:
        yield address
