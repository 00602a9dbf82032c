"""A page in Chromium on a slow phone, and what its browser tells: tasks, changes of the document, bytes, paints."""

import contextlib
import json
import os
import shutil
from collections.abc import Iterator
from typing import Any

from playwright.sync_api import CDPSession, Page, sync_playwright

SLOWDOWN = 4  # of the processor
# Lighthouse's slow 4G: the time until an answer begins, and bytes per second.
LATENCY_MS, BYTES_PER_SECOND = 150, 1_638_400 / 8
PHONE = {"width": 390, "height": 844}
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"]
FLAGS += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]

# Long tasks are those over 50 ms. A change is a record of the observer, or a node that came or went with it.
PROBE = """
window.probe = { tasks: [], changes: 0, contentful: 0 };
new PerformanceObserver((list) => {
    for (const { startTime, duration } of list.getEntries()) probe.tasks.push([startTime, duration]);
}).observe({ type: "longtask", buffered: true });
new PerformanceObserver((list) => {
    probe.contentful = list.getEntries().at(-1).startTime;
}).observe({ type: "largest-contentful-paint", buffered: true });
new MutationObserver((records) => {
    for (const { addedNodes, removedNodes } of records) probe.changes += 1 + addedNodes.length + removedNodes.length;
}).observe(document, { subtree: true, childList: true, characterData: true, attributes: true });
"""


# What Chromium's trace says of each task of a thread, and of each thread's name.
TRACED = ["toplevel", "-*"]
TASK, MAIN_THREAD = "ThreadControllerImpl::RunTask", "CrRendererMain"


class SlowPage:
    """A page on a slow processor; `bytes_of` counts what came over the network, by kind."""

    def __init__(self, page: Page, session: CDPSession) -> None:
        self.page = page
        self._session = session
        self._kinds: dict[str, str] = {}
        self.bytes_of: dict[str, int] = {}
        self.requests = 0
        session.on("Network.responseReceived", self._received)
        session.on("Network.loadingFinished", self._finished)

    def _received(self, event: dict[str, Any]) -> None:
        self._kinds[event["requestId"]] = event["type"]

    def _finished(self, event: dict[str, Any]) -> None:
        kind = self._kinds.get(event["requestId"], "Other")
        self.requests += 1
        self.bytes_of[kind] = self.bytes_of.get(kind, 0) + int(event["encodedDataLength"])

    def main_thread_ms(self) -> float:
        """Give for how long the page's main thread has worked."""
        metrics = self._session.send("Performance.getMetrics")["metrics"]
        return next(each["value"] for each in metrics if each["name"] == "TaskDuration") * 1000

    @contextlib.contextmanager
    def tasks(self) -> Iterator[list[float]]:
        """Collect for how long each of the main thread's tasks had a processor, ms; all are there at the end.

        Where other processes want the cores too, a task lasts longer than that.
        """
        found: list[float] = []
        browser = self.page.context.browser
        assert browser is not None
        browser.start_tracing(page=self.page, categories=TRACED)
        try:
            yield found
        finally:
            found += _tasks(json.loads(browser.stop_tracing())["traceEvents"])

    def probed(self, expression: str) -> Any:
        return self.page.evaluate(f"() => ({expression})")


def _tasks(events: list[dict[str, Any]]) -> list[float]:
    """Read from a trace the processor time of each task of the page, whose main thread is the busiest there; ms."""
    threads = {
        (each["pid"], each["tid"])
        for each in events
        if each["name"] == "thread_name" and each["args"]["name"] == MAIN_THREAD
    }
    of_threads: dict[tuple[int, int], list[float]] = {thread: [] for thread in threads}
    for each in events:
        thread = each["pid"], each["tid"]
        if each["name"] == TASK and thread in threads and "tdur" in each:
            of_threads[thread].append(each["tdur"] / 1000)
    return max(of_threads.values(), key=sum)


@contextlib.contextmanager
def slow_page(*, slow_network: bool) -> Iterator[SlowPage]:
    """Open an empty page whose processor is slow, and whose network too where that is asked for."""
    with sync_playwright() as playwright:
        chromium = os.environ.get("MMCHAT_CHROMIUM") or shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        page = browser.new_context(viewport=PHONE, device_scale_factor=2, has_touch=True).new_page()
        page.add_init_script(PROBE)
        session = page.context.new_cdp_session(page)
        for domain in ("Network", "Performance"):
            session.send(f"{domain}.enable")
        session.send("Emulation.setCPUThrottlingRate", {"rate": SLOWDOWN})
        if slow_network:
            speed = {"downloadThroughput": BYTES_PER_SECOND, "uploadThroughput": BYTES_PER_SECOND}
            network = {"offline": False, "latency": LATENCY_MS, **speed}
            session.send("Network.emulateNetworkConditions", network)
        yield SlowPage(page, session)
        browser.close()
