"""Time how a visitor's conversations open, among a thousand of a hundred messages: `python -m benchmarks.history`.

On both databases, over HTTP and the socket of the site as it ships, and in Chromium from the click in the history to
the frame with the newest message. Each conversation is opened once, so nothing of it was read before.
"""

import argparse
import asyncio
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
from playwright.sync_api import sync_playwright

from benchmarks.processes import ROOT, prepare
from benchmarks.reports import Report
from benchmarks.servers import Server, Setup, mmchat, worker
from benchmarks.services import fresh_database, postgresql
from benchmarks.tables import HISTORY_COLUMNS, Row, table

AT_MOST = 100  # milliseconds for opening a conversation
TIMES = 30
# From the click to the end of the frame that shows the newest message: the page draws in a frame's callback, after
# which the observer is called, then the browser paints, and only then timers come.
CLICK = """(link) => new Promise((done) => {
  const log = document.getElementById("log");
  const begun = performance.now();
  new MutationObserver((_, watcher) => {
    if (!log.querySelector(".reply")) return;
    watcher.disconnect();
    setTimeout(() => done(performance.now() - begun));
  }).observe(log, { childList: true });
  link.click();
})"""


def measure(database: str, url: str | None, conversations: int, messages: int) -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="mmchat-history-") as name, worker(Path(name)) as model:
        folder = Path(name)
        environment = {**os.environ, "MMCHAT_DATA_DIR": str(folder / "data")}
        environment.pop("DATABASE_URL", None)
        if url:
            environment["DATABASE_URL"] = url
        run = {"cwd": ROOT, "env": environment, "check": True, "stdout": subprocess.PIPE, "text": True}
        subprocess.run([sys.executable, "manage.py", "migrate", "--verbosity", "0"], **run)
        filling = [sys.executable, "-m", "benchmarks.long_history", str(conversations), str(messages)]
        filled = json.loads(subprocess.run(filling, **run).stdout)
        with mmchat(Setup(folder, model.url, 10, database=url)) as server:
            times = asyncio.run(_requests(server, filled))
            times["in Chromium: open a conversation"] = _clicks(server, filled)
    shared = {"database": database, "conversations": conversations, "messages": messages}
    return [
        {**shared, "what": what, "median": statistics.median(each), "worst": max(each)}
        for what, each in times.items()
    ]


async def _requests(server: Server, filled: dict[str, Any]) -> dict[str, list[float]]:
    ids = filled["conversations"]
    headers = {"Cookie": "{name}={value}".format(**filled["cookie"]), "Origin": server.url}
    async with aiohttp.ClientSession(headers=headers) as session:

        async def get(path: str, **query: str) -> Any:
            async with session.get(f"{server.url}{path}", params=query) as response:
                assert response.status == 200, await response.text()
                return await response.read()

        async def search(words: str) -> None:
            query = {"q": words}
            while (answer := json.loads(await get("/history/", **query)))["more"] and not answer[
                "conversations"
            ]:
                query["before"] = answer["before"]

        socket = await session.ws_connect(f"{server.url.replace('http', 'ws')}/ws/chat/", max_msg_size=0)
        await socket.receive()
        first: dict[str, str] = {}

        async def open_conversation(place: int) -> None:
            await socket.send_json({"type": "open", "conversation": ids[place]})
            frame = await socket.receive_json()
            assert frame["type"] == "conversation", frame
            first[ids[place]] = frame["messages"][0]["id"]

        opened = [place * len(ids) // TIMES for place in range(TIMES)]
        others = [place + 1 for place in opened]
        return {
            "socket: open a conversation": await _timed(open_conversation, opened),
            "earlier messages": await _timed(
                lambda place: get(f"/c/{ids[place]}/messages/", before=first[ids[place]]), opened
            ),
            "page of a conversation": await _timed(lambda place: get(f"/c/{ids[place]}/"), others),
            "history, first page": await _timed(lambda _: get("/history/"), opened),
            "search, a common word": await _timed(lambda _: search("second row"), opened),
            "search, 200 conversations without the word": await _timed(
                lambda _: get("/history/", q="xylophone"), opened
            ),
            "search, a word in the oldest one": await _timed(lambda _: search("xylophone"), opened[:10]),
        }


async def _timed(read: Callable[[int], Awaitable[object]], places: list[int]) -> list[float]:
    times = []
    for place in places:
        begun = time.perf_counter()
        await read(place)
        times.append((time.perf_counter() - begun) * 1000)
    return times


def _clicks(server: Server, filled: dict[str, Any]) -> list[float]:
    """Open conversations by clicks in the history, in a page that has opened one before."""
    times = []
    with sync_playwright() as playwright:
        chromium = os.environ.get("MMCHAT_CHROMIUM") or shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        context = browser.new_context(viewport={"width": 1280, "height": 800}, reduced_motion="reduce")
        context.add_cookies([{**filled["cookie"], "url": server.url}])
        page = context.new_page()
        page.goto(f"{server.url}/c/{filled['conversations'][-1]}/")
        page.wait_for_selector("article.reply")
        for place in range(TIMES):
            page.click("#history-open")
            link = page.locator("#history li a").nth(place)
            times.append(link.evaluate(CLICK))
        browser.close()
    return times[1:]  # the first one loads nothing more than the others, but warms the browser's code


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.history", description=__doc__)
    parser.add_argument("--conversations", type=int, default=1_000)
    parser.add_argument("--messages", type=int, default=100, help="in each of them")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything that was measured")
    options = parser.parse_args()
    prepare()
    report = Report("history")
    size = (options.conversations, options.messages)
    rows = measure("SQLite", None, *size)
    with postgresql() as cluster, fresh_database(cluster) as url:
        rows += measure("PostgreSQL", url, *size)
    report.write(options.json, runs=rows)
    print(f"{report.heading}\n\n{table(HISTORY_COLUMNS, rows)}")
    slow = [row["what"] for row in rows if "open a conversation" in row["what"] and row["worst"] > AT_MOST]
    print(f"\n{len(slow)} ways to open a conversation take more than {AT_MOST} ms")


if __name__ == "__main__":
    main()
