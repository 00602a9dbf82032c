"""Measure streaming: mmchat, Gradio and a bare relay in one run, in turns, behind one worker.

For each server: the server, a worker and a client as processes of their own, all on this machine. See
docs/performance.md for what the columns mean.
"""

import argparse
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.processes import ROOT, Usage, cpu_seconds, end
from benchmarks.servers import SERVERS, install_gradio, worker

Row = dict[str, Any]

COLUMNS = [
    ("server", "server"),
    ("streams", "streams"),
    ("tokens", "tokens_each"),
    ("complete", "completed"),
    ("at once", "at_once"),
    ("first p50", "first_p50"),
    ("first p99", "first_p99"),
    ("added p50", "added_p50"),
    ("added p99", "added_p99"),
    ("CPU/1k", "cpu_ms_per_1000"),
    ("of relay", "cpu_of_relay"),
    ("MB idle", "megabytes_before"),
    ("MB peak", "megabytes_peak"),
]
BYTE_COLUMNS = [("server", "server"), ("reply", "reply"), ("plain", "plain"), ("compressed", "compressed")]


def main() -> None:
    options = _options()
    # A terminated benchmark ends its processes too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if any(name.startswith("gradio") for name in options.server):
        install_gradio()
    report: dict[str, Any] = {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": " ".join(["python -m benchmarks.streams", *sys.argv[1:]]),
        "machine": f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}",
        "load_before": os.getloadavg()[0],
        "runs": [],
        "bytes": [],
    }
    for tokens in options.tokens:
        for streams in options.streams:
            for number in range(options.runs):
                for name in options.server:
                    row = run(name, streams, tokens, options)
                    report["runs"].append({**row, "run": number + 1})
                    print(_line(row), file=sys.stderr, flush=True)
    if options.bytes:
        report["bytes"] = [count_bytes(name, options) for name in options.server if name != "gradio-lifted"]
    summary = report["summary"] = summarise(report["runs"])
    if options.json:
        Path(options.json).write_text(json.dumps(report, indent=1) + "\n")
    print(f"\n{report['when']}, {report['machine']}, load {report['load_before']:.1f}\n{report['command']}\n")
    if summary:
        print(table(COLUMNS, summary))
    if report["bytes"]:
        print("\nbytes to the browser for one reply of 512 tokens to a picture of a megapixel")
        print(table(BYTE_COLUMNS, report["bytes"]))


def run(name: str, streams: int, tokens: int, options: argparse.Namespace) -> Row:
    """Measure one server once, started anew."""
    with tempfile.TemporaryDirectory(prefix="mmchat-benchmark-") as scratch:
        folder = Path(scratch)
        with worker(folder) as behind, SERVERS[name](folder, behind.url, streams) as server:
            arguments = [
                "--server",
                name,
                "--url",
                server.url,
                "--streams",
                str(streams),
                "--tokens",
                str(tokens),
            ]
            arguments += ["--rate", str(options.rate), "--ramp", str(options.ramp)]
            arguments += ["--limit-seconds", str(options.limit_seconds)]
            arguments += ["--image"] * options.image + ["--plain"] * options.plain
            worker_before = cpu_seconds(behind.pid)
            measured, usage = _load(arguments, server.pid)
            worker_cpu = cpu_seconds(behind.pid) - worker_before
    per_1000 = usage.cpu_seconds * 1000 / measured["tokens"] * 1000 if measured["tokens"] else None
    return {
        "server": name,
        "streams": streams,
        "tokens_each": tokens,
        "image": options.image,
        **measured,
        "cpu_seconds": usage.cpu_seconds,
        "cpu_ms_per_1000": per_1000,
        "worker_cpu_seconds": worker_cpu,
        "megabytes_before": usage.begin_megabytes,
        "megabytes_peak": usage.peak_megabytes,
    }


def count_bytes(name: str, options: argparse.Namespace) -> Row:
    """Count what one reply in prose to one picture sends to the browser, without and with compression."""
    row: Row = {"server": name}
    with tempfile.TemporaryDirectory(prefix="mmchat-benchmark-") as scratch:
        folder = Path(scratch)
        with worker(folder) as behind, SERVERS[name](folder, behind.url, 1) as server:
            for kind in ("plain", "compressed"):
                arguments = ["--server", name, "--url", server.url, "--streams", "1", "--tokens", "512"]
                arguments += ["--rate", str(options.rate), "--ramp", "0", "--limit-seconds", "60"]
                arguments += ["--image", "--count-bytes"] + ["--plain"] * (kind == "plain")
                measured, _ = _load(arguments, server.pid)
                if not measured["completed"]:
                    raise RuntimeError(f"{name}: {measured['errors']}")
                row["reply"] = measured["characters"]
                row[kind] = measured["bytes_to_client"]
    return row


def _load(arguments: Sequence[str], server_pid: int) -> tuple[Row, Usage]:
    """Run a client to its end, watching the server from the moment when all visitors are there."""
    client = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.client", *arguments],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert client.stdin is not None
        assert client.stdout is not None
        if client.stdout.readline() != "ready\n":
            raise RuntimeError("the client did not get ready")
        with Usage(server_pid) as usage:
            client.stdin.write("go\n")
            client.stdin.flush()
            line = client.stdout.readline()
        return json.loads(line), usage
    finally:
        end(client)


def summarise(runs: Sequence[Row]) -> list[Row]:
    """Give one row for each server, number of streams and length: the median of its runs in each column."""
    groups: dict[tuple, list[Row]] = {}
    for row in runs:
        groups.setdefault((row["tokens_each"], row["streams"], row["server"]), []).append(row)
    summary = []
    for (tokens, streams, server), rows in groups.items():
        line: Row = {"server": server, "streams": streams, "tokens_each": tokens}
        for _, key in COLUMNS:
            values: list[Any] = [row.get(key) for row in rows]
            if key not in line and key != "cpu_of_relay":
                # A run in which nothing came is worse than any number.
                line[key] = None if None in values else median(values)
        summary.append(line)
    for line in summary:
        relay = next(
            (
                other["cpu_ms_per_1000"]
                for other in summary
                if other["server"] == "relay"
                and (other["streams"], other["tokens_each"]) == (line["streams"], line["tokens_each"])
            ),
            None,
        )
        mine = line["cpu_ms_per_1000"]
        line["cpu_of_relay"] = mine / relay if relay and mine else None
    return summary


def table(columns: Sequence[tuple[str, str]], rows: Sequence[Row]) -> str:
    cells = [[title for title, _ in columns]]
    cells += [[_shown(row.get(key)) for _, key in columns] for row in rows]
    widths = [max(len(row[place]) for row in cells) for place in range(len(columns))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if not place else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in cells
    )


def _shown(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:,.1f}" if abs(value) < 10 else f"{value:,.0f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _line(row: Row) -> str:
    keys = ("completed", "first_p99", "added_p50", "added_p99", "cpu_ms_per_1000", "client_lag_p99", "errors")
    return f"{row['server']} {row['streams']}×{row['tokens_each']}: " + ", ".join(
        f"{key} {_shown(row[key])}" for key in keys
    )


def _options() -> argparse.Namespace:
    def numbers(text: str) -> list[int]:
        return [int(part) for part in text.split(",")]

    def servers(text: str) -> list[str]:
        names = text.split(",")
        if unknown := set(names) - set(SERVERS):
            raise argparse.ArgumentTypeError(
                f"no server named {', '.join(unknown)}; there are {', '.join(SERVERS)}"
            )
        return names

    parser = argparse.ArgumentParser(prog="python -m benchmarks.streams", description=__doc__)
    add = parser.add_argument
    add("--server", type=servers, default=list(SERVERS), help="which, in this order; default: %(default)s")
    add("--streams", type=numbers, default=[100], help="replies at once; several with commas; default 100")
    add("--tokens", type=numbers, default=[512], help="tokens in a reply; several with commas; default 512")
    add("--rate", type=float, default=50, help="tokens a second and stream; default 50")
    add("--runs", type=int, default=3, help="runs of each server, in turns; default 3")
    add("--ramp", type=float, default=1, help="seconds over which the questions are spread; default 1")
    add("--limit-seconds", type=float, default=60, help="break a run off after so long; default 60")
    add("--image", action="store_true", help="each question comes with a picture of a megapixel")
    add("--plain", action="store_true", help="no compression on the websocket")
    add("--bytes", action="store_true", help="count the bytes of one reply, too")
    add("--json", metavar="FILE", help="write everything that was measured")
    return parser.parse_args()


if __name__ == "__main__":
    main()
