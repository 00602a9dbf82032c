"""Measure the page on a slow phone, beside Gradio's in the same run: `python -m benchmarks.page`.

Its first visit, over a slow network with an empty cache; then a long reply while it streams: tasks of the main thread
over 50 ms, and for each 1000 characters the changes of the document and the main thread's time, early and late in it.
Needs Chromium and the tests' requirements.
"""

import argparse
import time
from pathlib import Path
from typing import Any

from benchmarks.browser import SlowPage, slow_page
from benchmarks.load import Load, servers
from benchmarks.processes import prepare
from benchmarks.reports import Report
from benchmarks.servers import install_gradio
from benchmarks.tables import READING_COLUMNS, VISIT_COLUMNS, Row, table

LONG = 50  # ms
SETTLED_SECONDS = 4.0  # without more text a reply is over
# Where replies appear, where visitors write, and how they send, for each server.
PAGES = {
    "mmchat": {"log": "#log", "box": "#message", "ready": "body[data-connection=open]"},
    "gradio": {"log": ".bot", "box": "textarea", "ready": "textarea"},
}


def visit(url: str, name: str) -> Row:
    """Open the page for the first time, on a slow network."""
    with slow_page(slow_network=True) as slow:
        slow.page.goto(url, wait_until="load", timeout=120_000)
        slow.page.wait_for_selector(PAGES[name]["ready"], timeout=120_000)
        usable = slow.probed("performance.now()")
        slow.page.wait_for_timeout(2000)
        first = slow.probed("performance.getEntriesByName('first-contentful-paint')[0].startTime")
        tasks = [duration for began, duration in slow.probed("probe.tasks") if began + duration > first]
        return {
            "server": name,
            "first_contentful_ms": first,
            "largest_contentful_ms": slow.probed("probe.contentful"),
            "usable_ms": usable,
            "blocking_ms": float(sum(duration - LONG for duration in tasks)),
            "requests": slow.requests,
            "script_kilobytes": slow.bytes_of.get("Script", 0) / 1000,
            "style_kilobytes": slow.bytes_of.get("Stylesheet", 0) / 1000,
            "all_kilobytes": sum(slow.bytes_of.values()) / 1000,
        }


def read(url: str, name: str, tokens: int, rate: float, limit_seconds: float) -> Row:
    """Ask for a long reply, and look on while it comes."""
    with slow_page(slow_network=False) as slow:
        slow.page.goto(url)
        slow.page.wait_for_selector(PAGES[name]["ready"])
        slow.page.wait_for_timeout(2000)
        asked = slow.probed("performance.now()")
        with slow.tasks() as own:
            slow.page.fill(PAGES[name]["box"], f"tokens={tokens} rate={rate} text=prose stream=0")
            slow.page.keyboard.press("Enter")
            samples = list(_samples(slow, PAGES[name]["log"], limit_seconds))
        tasks = [duration for began, duration in slow.probed("probe.tasks") if began > asked]
    return {
        "server": name,
        "tokens": tokens,
        "characters": samples[-1][1],
        "seconds": samples[-1][0] - samples[0][0],
        "long_tasks": len(tasks),
        "longest_ms": max(tasks, default=None),
        "blocking_ms": float(sum(duration - LONG for duration in tasks)),
        "long_own": sum(each > LONG for each in own),
        "longest_own_ms": max(own),
        **_early_and_late(samples),
    }


Sample = tuple[
    float, int, int, float
]  # seconds, characters shown, changes so far, the main thread's ms so far


def _samples(slow: SlowPage, log: str, limit_seconds: float) -> Any:
    began = grew = time.monotonic()
    characters = 0
    length = f"[...document.querySelectorAll({log!r})].at(-1)?.textContent.length ?? 0"
    while time.monotonic() - grew < SETTLED_SECONDS and time.monotonic() - began < limit_seconds:
        now, changes, main = slow.probed(length), slow.probed("probe.changes"), slow.main_thread_ms()
        if now != characters:
            characters, grew = now, time.monotonic()
            yield grew - began, now, changes, main
        time.sleep(0.5)


def _early_and_late(samples: list[Sample]) -> Row:
    """Give what 1000 characters cost in the second and in the last fifth of the text."""
    end = samples[-1][1]

    def between(least: float, most: float) -> tuple[float | None, float | None]:
        part = [each for each in samples if least * end <= each[1] <= most * end]
        if len(part) < 2:
            return None, None
        (_, length, changes, main), (_, more, later, busy) = part[0], part[-1]
        return (later - changes) / (more - length) * 1000, (busy - main) / (more - length) * 1000

    early, late = between(0.2, 0.4), between(0.8, 1)
    return {"changes_early": early[0], "changes_late": late[0], "main_early": early[1], "main_late": late[1]}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.page", description=__doc__)
    parser.add_argument("--server", default="mmchat,gradio", metavar="NAMES", help="default: %(default)s")
    parser.add_argument("--tokens", type=int, nargs="+", default=[1000, 10_000], help="default: 1000 10000")
    parser.add_argument("--rate", type=float, default=250, help="tokens a second; default: %(default)s")
    parser.add_argument("--limit-seconds", type=float, default=45, help="for one reply; default: %(default)s")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything that was measured")
    options = parser.parse_args()
    names = options.server.split(",")
    prepare()
    if "gradio" in names:
        install_gradio()
    report = Report("page")
    visits, readings = [], []
    for name in names:
        with servers(name, Load()) as (server, _):
            visits.append(visit(server.url, name))
            print(table(VISIT_COLUMNS, visits[-1:]), flush=True)
            # Gradio's page stands still for minutes with a long one.
            for tokens in sorted(options.tokens)[: None if name == "mmchat" else 1]:
                readings.append(read(server.url, name, tokens, options.rate, options.limit_seconds))
                print(table(READING_COLUMNS, readings[-1:]), flush=True)
    report.write(options.json, visits=visits, readings=readings)
    print(f"{report.heading}\n\n{table(VISIT_COLUMNS, visits)}\n\n{table(READING_COLUMNS, readings)}")


if __name__ == "__main__":
    main()
