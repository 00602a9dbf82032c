"""The shipped Caddyfile in front of two processes: it streams, limits, and moves visitors to the process that stays."""

import asyncio
import contextlib
import signal
import threading
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import requests
from django.conf import settings

from chat.images.receiving import FORM_BYTES
from tests import shipped
from tests.faults.nodes import several_nodes
from tests.faults.test_slow_loris import EVERY, SLACK, drip
from tests.running import free_port, wait_until
from tests.visitor import Visitor

READ_HEADER_SECONDS = 10
OUTSIDE = "192.0.2.0/24"  # none of this machine's addresses, so that the test counts as a stranger


async def test_a_visitor_streams_through_caddy_while_a_process_restarts_and_limits_hold(tmp_path):
    port = free_port()
    with contextlib.ExitStack() as stack:
        environment = {"MMCHAT_URL": f"http://127.0.0.1:{port}", "MMCHAT_TRUSTED_PROXIES": "127.0.0.1/32"}
        nodes = await asyncio.to_thread(stack.enter_context, several_nodes(tmp_path, 2, 20, **environment))
        ports = [site.port for site in nodes.sites]
        address = await asyncio.to_thread(
            stack.enter_context, shipped.caddy(tmp_path / "caddy", ports, port, inside=OUTSIDE)
        )
        drips = [asyncio.create_task(drip(port)) for _ in range(50)]
        await asyncio.to_thread(assert_refusals, address)
        await assert_moves(nodes, await asyncio.to_thread(Visitor, address))
        async with asyncio.timeout(READ_HEADER_SECONDS + SLACK):
            lasted = await asyncio.gather(*drips)
        assert min(lasted) > READ_HEADER_SECONDS - EVERY


class TakesAll(BaseHTTPRequestHandler):
    """A server without limits, so that what is refused is refused by the proxy."""

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        with contextlib.suppress(OSError):
            left = int(self.headers["Content-Length"])
            while left and (piece := self.rfile.read(min(left, 65536))):
                left -= len(piece)
            if not left:
                self._answer()

    def _answer(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def test_caddy_itself_lets_the_largest_picture_pass_and_nothing_larger(tmp_path):
    with ThreadingHTTPServer(("127.0.0.1", 0), TakesAll) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            with shipped.caddy(tmp_path, [server.server_port], free_port()) as address:
                largest = int(settings.MMCHAT_MAX_IMAGE_MEGABYTES * 2**20) + FORM_BYTES
                assert requests.post(address, data=bytes(largest), timeout=20).status_code == 200
                # 502 from the versions that take a body cut off for the failure of the server behind.
                assert requests.post(address, data=bytes(12_000_000), timeout=20).status_code in (413, 502)
        finally:
            server.shutdown()


def assert_refusals(address: str) -> None:
    """Strangers see neither numbers nor the controller, and a body may have 11 MB."""
    assert requests.get(f"{address}/metrics", timeout=10).status_code == 404
    assert requests.post(f"{address}/workers/x/list_models", timeout=10).status_code == 404
    visitor = Visitor(address)
    answer = visitor.post("/uploads/", files={"image": ("large.png", bytes(12_000_000))}, timeout=20)
    assert answer.status_code == 413


async def assert_moves(nodes, visitor: Visitor) -> None:
    async with visitor.socket() as page:
        accepted = await page.ask("count to 60", nodes.model)
        await page.until_text(accepted["reply"])
        sql = "SELECT p.pid FROM chat_message m JOIN chat_serverprocess p ON m.owner = p.id WHERE m.id = ?"
        [(pid,)] = await asyncio.to_thread(nodes.books.rows, sql, uuid.UUID(accepted["reply"]))
        [ending] = [site for site in nodes.sites if site.process.pid == pid]
        ending.process.send_signal(signal.SIGTERM)
        async with visitor.socket() as other:  # a page opened now goes to the process that stays
            second = await other.ask("count to 3", nodes.model)
            assert (await other.until_ended(second["reply"]))["state"] == "complete"
        assert (await page.until_ended(accepted["reply"]))["state"] == "complete"
        assert page.gaps == 0
        assert await page.until_closed() == 1012
    assert await asyncio.to_thread(ending.process.wait, 20) == 0
    async with visitor.socket() as page:
        await page.send("open", conversation=accepted["conversation"])
        assert (await page.until_ended(accepted["reply"]))["state"] == "complete"
    await asyncio.to_thread(ending.start)
    await asyncio.to_thread(
        wait_until, lambda: requests.get(f"{visitor.url}/readyz", timeout=5).status_code == 200, 20, "Caddy"
    )
