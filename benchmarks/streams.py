"""Measure streaming: mmchat, Gradio and a bare relay in one run, in turns, behind one worker.

For each server: the server, a worker and a client as processes of their own, all on this machine. See
docs/performance.md for what the columns mean.
"""

import argparse
import contextlib
import sys
from pathlib import Path

from benchmarks.load import Load, count_bytes, run
from benchmarks.processes import prepare
from benchmarks.reports import Report
from benchmarks.servers import SERVERS, install_gradio
from benchmarks.services import postgresql
from benchmarks.tables import BYTE_COLUMNS, STEP_COLUMNS, STREAM_COLUMNS, Row, shown, summarise, table
from benchmarks.worker import MODELS


def main() -> None:
    options = _options()
    prepare()
    if any(name.startswith("gradio") for name in options.server):
        install_gradio()
    report = Report("streams")
    with contextlib.ExitStack() as stack:
        database = stack.enter_context(postgresql()) if options.postgresql else None
        runs: list[Row] = []
        for load in _loads(options):
            for number in range(options.runs):
                for name in options.server:
                    row = run(name, load, database, options.profile)
                    runs.append({**row, "run": number + 1})
                    print(_line(row), file=sys.stderr, flush=True)
        counted = []
        if options.bytes:
            counted = [count_bytes(name) for name in options.server if name != "gradio-lifted"]
    summary = summarise(runs)
    report.write(options.json, runs=runs, summary=summary, bytes=counted)
    print(f"\n{report.heading}\n")
    if summary:
        print(table(STREAM_COLUMNS, summary))
        print("\nfrom the question to the first text")
        print(table(STEP_COLUMNS, summary))
    if counted:
        print("\nbytes to the browser for one reply of 512 tokens to a picture of a megapixel")
        print(table(BYTE_COLUMNS, counted))


def _loads(options: argparse.Namespace) -> list[Load]:
    common = {name: getattr(options, name) for name in ("rate", "ramp", "limit_seconds", "image", "plain")}
    return [
        Load(streams=streams, tokens=tokens, turn=turn, protocol=protocol, **common)
        for protocol in options.protocol
        for tokens in options.tokens
        for turn in options.turn
        for streams in options.streams
    ]


def _line(row: Row) -> str:
    keys = (
        "completed", "first_p99", "added_p50", "added_p99", "cpu_ms_per_1000", "steady_ms_per_1000",
        "worker_late_p99", "client_lag_p99", "errors",
    )  # fmt: skip
    return f"{row['server']} {row['protocol']} {row['streams']}×{row['tokens_each']}: " + ", ".join(
        f"{key} {shown(row[key])}" for key in keys
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

    def protocols(text: str) -> list[str]:
        names = text.split(",")
        if unknown := set(names) - set(MODELS):
            raise argparse.ArgumentTypeError(
                f"no protocol named {', '.join(unknown)}; there are {', '.join(MODELS)}"
            )
        return names

    parser = argparse.ArgumentParser(prog="python -m benchmarks.streams", description=__doc__)
    add = parser.add_argument
    add(
        "--server",
        type=servers,
        default=["mmchat", "gradio", "gradio-lifted", "relay"],
        help=f"which, in this order, of {', '.join(SERVERS)}; default: %(default)s",
    )
    add("--streams", type=numbers, default=[100], help="replies at once; several with commas; default 100")
    add("--tokens", type=numbers, default=[512], help="tokens in a reply; several with commas; default 512")
    add("--turn", type=numbers, default=[1], help="which turn of its conversation is measured; default 1")
    add("--rate", type=float, default=50, help="tokens a second and stream; default 50")
    add("--runs", type=int, default=3, help="runs of each server, in turns; default 3")
    add("--ramp", type=float, default=1, help="seconds over which the questions are spread; default 1")
    add("--limit-seconds", type=float, default=60, help="break a run off after so long; default 60")
    add(
        "--protocol",
        type=protocols,
        default=["llava"],
        help="the worker's; several with commas; default llava",
    )
    add("--postgresql", action="store_true", help="give mmchat a PostgreSQL of its own, not SQLite")
    add("--image", action="store_true", help="each question comes with a picture of a megapixel")
    add("--plain", action="store_true", help="no compression on the websocket")
    add("--bytes", action="store_true", help="count the bytes of one reply, too")
    add("--json", type=Path, metavar="FILE", help="write everything that was measured")
    add("--profile", type=Path, metavar="FILE", help="sample the server with py-spy; the last run's summary")
    return parser.parse_args()


if __name__ == "__main__":
    main()
