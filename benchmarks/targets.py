"""The targets, and what the reports of `benchmarks.suite` say of each."""

from collections.abc import Callable
from typing import Any, NamedTuple

from benchmarks.dashboard import AT_MOST, slowest
from benchmarks.tables import Row, shown

NOT_MEASURED = "not measured"
Reports = dict[str, dict[str, Any]]


class Verdict(NamedTuple):
    """What was measured, in words, and whether that meets the target."""

    measured: str
    met: bool


class Target(NamedTuple):
    text: str
    judge: Callable[[Reports], Verdict]


def row(reports: Reports, report: str, server: str = "mmchat", **wanted: Any) -> Row:
    """Give the row of a report's summary for a server and, say, `streams=300`."""
    rows = reports[report]["summary"]
    return next(
        each
        for each in rows
        if each["server"] == server and all(each[name] == value for name, value in wanted.items())
    )


def _added(report: str, streams: int, most: float) -> Callable[[Reports], Verdict]:
    def judge(reports: Reports) -> Verdict:
        found = row(reports, report, streams=streams)
        whole = found["completed"] == streams
        text = f"{shown(found['added_p99'])} ms, {found['completed']:,.0f} of {streams:,} complete"
        return Verdict(text, whole and found["added_p99"] is not None and found["added_p99"] <= most)

    return judge


def _first(reports: Reports) -> Verdict:
    found = row(reports, "load", streams=100)["site_p99"]
    return Verdict(f"{shown(found)} ms", found is not None and found <= 150)


def _cpu(reports: Reports) -> Verdict:
    found = [row(reports, "load", streams=streams)["cpu_of_relay"] for streams in (100, 300)]
    return Verdict(f"{shown(found[0])} × at 100 streams, {shown(found[1])} × at 300", max(found) <= 1.5)


def _gradio(reports: Reports) -> Verdict:
    parts = []
    for report, server, streams in (("gradio", "gradio-lifted", 100), ("defaults", "gradio", 10)):
        peer, mine = (row(reports, report, name, streams=streams) for name in (server, "mmchat"))
        parts.append((peer["cpu_ms_per_1000"] / mine["cpu_ms_per_1000"], streams))
    text = ", ".join(f"1/{times:.0f} at {streams} streams" for times, streams in parts)
    return Verdict(text, min(times for times, _ in parts) >= 15)


def _bytes(reports: Reports) -> Verdict:
    found = next(each for each in reports["bytes"]["bytes"] if each["server"] == "mmchat")
    plain, compressed = (found[kind] / found["reply"] for kind in ("plain", "compressed"))
    return Verdict(f"{shown(plain)} × and {shown(compressed)} ×", plain <= 4 and compressed <= 2)


def _idle(reports: Reports) -> Verdict:
    plain, compressed = (
        next(each for each in reports["idle"]["runs"] if each["compressed"] == kind) for kind in ("no", "yes")
    )
    text = f"{shown(plain['kilobytes'])} KB and {shown(compressed['kilobytes'])} KB, {plain['open']:,} open"
    whole = plain["open"] == plain["sockets"] and compressed["open"] == compressed["sockets"]
    return Verdict(text, whole and plain["kilobytes"] <= 40 and compressed["kilobytes"] <= 80)


def _active(reports: Reports) -> Verdict:
    found = row(reports, "sweep", streams=1000)
    kilobytes = (found["megabytes_peak"] - found["megabytes_before"]) * 1024 / 1000
    return Verdict(f"{shown(kilobytes)} KB at 1000 streams", kilobytes <= 150)


def _over(report: str, name: str) -> Callable[[Reports], Verdict]:
    """Judge that the cost beside the relay does not grow over what a report varies; 15 % are noise."""

    def judge(reports: Reports) -> Verdict:
        rows = sorted(
            (each for each in reports[report]["summary"] if each["server"] == "mmchat"),
            key=lambda each: each[name],
        )
        ratios = [each["cpu_of_relay"] for each in rows]
        text = ", ".join(
            f"{shown(ratio)} × at {each[name]:,}" for ratio, each in zip(ratios, rows, strict=True)
        )
        return Verdict(text, None not in ratios and ratios[-1] <= ratios[0] * 1.15)

    return judge


def _streams(reports: Reports) -> Verdict:
    everything = [*reports["sweep"]["summary"], *reports["load"]["summary"]]
    return _over("all", "streams")({"all": {"summary": everything}})


def _processes(reports: Reports) -> Verdict:
    one, two = (row(reports, "processes", name)["cpu_ms_per_1000"] for name in ("mmchat", "mmchat-2"))
    return Verdict(f"{two / one:.2f} ×", two / one <= 1.15)


def _protocols(reports: Reports) -> Verdict:
    llava, openai = (
        row(reports, "protocol", protocol=name)["cpu_ms_per_1000"] for name in ("llava", "openai")
    )
    return Verdict(f"{openai / llava:.2f} ×", openai / llava <= 1.3)


def _writes(reports: Reports) -> Verdict:
    runs = reports["writes"]["runs"]
    text = "; ".join(
        f"{shown(each['transactions'])} of at most {shown(each['at_most'])} {each['load']}" for each in runs
    )
    return Verdict(text, all(each["transactions"] <= each["at_most"] for each in runs))


def _dashboard(reports: Reports) -> Verdict:
    plots = [each for each in reports["dashboard"]["runs"] if each["is_plot"]]
    worst, plot, database = max((slowest(each), each["what"], each["database"]) for each in plots)
    return Verdict(f"{shown(worst)} ms: {plot}, {database}", worst <= AT_MOST)


def _page(reports: Reports, part: str) -> Row:
    """Give mmchat's row; of replies that of the longest."""
    rows = [each for each in reports["page"][part] if each["server"] == "mmchat"]
    return max(rows, key=lambda each: each.get("tokens", 0))


def _weight(reports: Reports) -> Verdict:
    found = _page(reports, "visits")
    kilobytes = found["script_kilobytes"] + found["style_kilobytes"]
    return Verdict(f"{shown(kilobytes)} KB", kilobytes <= 150)


def _readable(reports: Reports) -> Verdict:
    found = _page(reports, "visits")["largest_contentful_ms"]
    return Verdict(f"{shown(found)} ms", found <= 1000)


def _smooth(reports: Reports) -> Verdict:
    found = _page(reports, "readings")
    text = f"{found['long_tasks']} of {shown(found['longest_ms'])} ms" if found["long_tasks"] else "none"
    own = f"by processor time {found['long_own'] or 'none'}, the longest {shown(found['longest_own_ms'])} ms"
    return Verdict(f"{text}; {own}", not found["long_tasks"])


def _steady_page(reports: Reports) -> Verdict:
    found = _page(reports, "readings")
    early, late = found["changes_early"], found["changes_late"]
    return Verdict(f"{late / early:.2f} × late in the reply", late <= 1.15 * early)


TARGETS = [
    Target("300 streams on one process, added p99 at most 150 ms", _added("load", 300, 150)),
    Target("100 streams, all at once, added p99 at most 75 ms", _added("load", 100, 75)),
    Target("100 streams: first text p99 at most 150 ms after the worker's", _first),
    Target(
        "1000 streams offered to one process: all complete, added p99 at most 500 ms",
        _added("sweep", 1000, 500),
    ),
    Target("100 streams with a picture each, added p99 at most 150 ms", _added("pictures", 100, 150)),
    Target("CPU per token at most 1.5 × the relay", _cpu),
    Target("CPU per token at most 1/15 of Gradio", _gradio),
    Target("that does not grow beside the relay with the number of streams", _streams),
    Target("nor with the length of the reply", _over("lengths", "tokens_each")),
    Target("nor with the turn of the conversation", _over("turns", "turn")),
    Target("bytes to the browser at most 4 × the answer plain, 2 × compressed", _bytes),
    Target("memory at most 40 KB for an idle socket, 80 with compression", _idle),
    Target("memory at most 150 KB for an active stream", _active),
    Target("two processes with Redis: CPU per token at most 1.15 × one", _processes),
    Target("CPU per token of an OpenAI-compatible server at most 1.3 × that of a LLaVA worker", _protocols),
    Target("database: at most 3 transactions that write for a reply, and 2 a second", _writes),
    Target("dashboard: each plot at a million messages at most 300 ms, on both databases", _dashboard),
    Target("page: script and style before the first message at most 150 KB, compressed", _weight),
    Target("page: readable on a slow phone within 1000 ms", _readable),
    Target("page: no task over 50 ms in a reply of 10,000 tokens, processor 4 × slower", _smooth),
    Target("page: changes of the document for each token do not grow with the reply", _steady_page),
]


def verdicts(reports: Reports) -> list[Row]:
    """Give a row for each target; one whose reports are missing is not measured."""
    rows = []
    for target in TARGETS:
        try:
            measured, met = target.judge(reports)
            verdict = "met" if met else "missed"
        except (KeyError, StopIteration, TypeError):
            measured, verdict = "-", NOT_MEASURED
        rows.append({"target": target.text, "measured": measured, "verdict": verdict})
    return rows
