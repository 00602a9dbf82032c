"""A socket that is flooded is closed, again and again, while others go on reading."""

import asyncio
import itertools
import json
import statistics
import subprocess
import sys
import time

from tests.faults.conftest import LONG
from tests.faults.loads import pages_of, running, tell, visitors_of
from tests.running import ROOT
from tests.visitor import Page, Visitor

READERS = 10
SECONDS = 20.0 if LONG else 4.0

ROUNDS = 20 if LONG else 4

# In a process of its own, or what it takes would delay the readers here instead of at the site. Every other time it
# reads nothing of what it is told, so that it is cut off.
FLOOD = """
import json, os, sys
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

os.nice(10)
url, cookie, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3])
frame = json.dumps({"type": "stop", "message": "00000000-0000-4000-8000-000000000000"})
sent, codes = 0, []
address, headers = url.replace("http", "ws") + "/ws/chat/", {"Cookie": cookie}
for number in range(rounds):
    most = 1 if number % 2 else None
    with connect(address, origin=url, additional_headers=headers, max_queue=most, close_timeout=0) as socket:
        try:
            while True:
                socket.send(frame)
                sent += 1
        except ConnectionClosed:
            codes.append(socket.protocol.close_code)
print(json.dumps([sent, codes]))
"""


async def steps(page: Page, reply: str, enough: asyncio.Event) -> list[float]:
    """Read a reply for some time; give the seconds from each of its frames with text to the next."""
    times, held = [], len(page.messages[reply]["text"])
    while not enough.is_set() or len(times) < 2:
        await page.receive(60)
        if len(page.messages[reply]["text"]) > held:
            times.append(time.monotonic())
            held = len(page.messages[reply]["text"])
    return [later - earlier for earlier, later in itertools.pairwise(times)]


def p95(seconds: list[list[float]]) -> float:
    return statistics.quantiles([each for of_one in seconds for each in of_one], n=20)[-1]


def flood(visitor: Visitor) -> tuple[int, list[int]]:
    command = [sys.executable, "-c", FLOOD, visitor.url, visitor.cookies, str(ROUNDS)]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert found.returncode == 0, found.stderr
    return json.loads(found.stdout)


async def test_a_flood_closes_one_socket_and_others_go_on(tmp_path):
    with running(tmp_path, 20, MMCHAT_LIMITS="on") as site:
        *visitors, flooder = await visitors_of(site.url, READERS + 1)
        async with pages_of(visitors, READERS) as pages:
            replies = [(await page.ask("count to 2000", site.model))["reply"] for page in pages]
            both = list(zip(pages, replies, strict=True))
            for page, reply in both:
                await page.until_text(reply)

            async def read_during(work) -> tuple[list[list[float]], object]:
                enough = asyncio.Event()
                readers = [asyncio.create_task(steps(page, reply, enough)) for page, reply in both]
                result = await work
                enough.set()
                return await asyncio.gather(*readers), result

            before, _ = await read_during(asyncio.sleep(SECONDS))
            during, (sent, codes) = await read_during(asyncio.to_thread(flood, flooder))
            tell("ms from step to step, p95, before", p95(before) * 1000)
            tell("ms from step to step, p95, during the flood", p95(during) * 1000)
            tell("frames of the flood", sent)
            assert set(codes[::2]) == {4429}
            # What does not read may find the reason in its buffers all the same, if the site is slow to say it.
            assert set(codes[1::2]) <= {4429, 1006}
            for page, reply in both:
                await page.send("stop", message=reply)
                assert (await page.until_ended(reply))["state"] == "stopped"
                assert page.gaps == 0
