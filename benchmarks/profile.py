"""Sample a running server with py-spy, and say where its CPU time went.

py-spy is no requirement of the project: `pip install py-spy` somewhere, and it has to be on the PATH. It looks from
outside, so that what it sees costs what it costs without it; as root, or with the right to trace.
"""

import contextlib
import re
import shutil
import signal
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

SAMPLES_A_SECOND = 250
SHOWN = 60
_THREAD = re.compile(r"thread \(\w+\): ")


class Stack(NamedTuple):
    """Frames from the outermost in, and how many samples found exactly these."""

    frames: tuple[str, ...]
    samples: int


@contextlib.contextmanager
def profiled(pid: int, to: Path) -> Iterator[None]:
    """Sample a process and its children while the block runs, and write a summary to `to`."""
    program = shutil.which("py-spy")
    if program is None:
        raise SystemExit("--profile needs py-spy on the PATH: pip install py-spy")
    with tempfile.TemporaryDirectory(prefix="mmchat-profile-") as scratch:
        raw = Path(scratch) / "stacks.txt"
        command = [
            program,
            "record",
            "--pid",
            str(pid),
            "--output",
            str(raw),
            "--format",
            "raw",
            "--function",
        ]
        command += ["--threads", "--subprocesses", "--nonblocking", "--rate", str(SAMPLES_A_SECOND)]
        sampling = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        try:
            yield
        finally:
            sampling.send_signal(signal.SIGINT)
            said = sampling.communicate(timeout=60)[1]
        if not raw.exists():
            raise RuntimeError(f"py-spy wrote nothing: {said[-2000:]}")
        to.write_text(summary(read(raw.read_text())))


def read(text: str) -> dict[str, list[Stack]]:
    """Give the stacks of each thread from py-spy's raw format: `thread;outer;inner 12`."""
    threads: dict[str, list[Stack]] = {}
    for line in text.splitlines():
        path, _, count = line.rpartition(" ")
        frames = path.split(";")
        while frames and frames[0].startswith("process "):
            frames.pop(0)
        if frames:
            name = _THREAD.sub("", frames[0]) or frames[0]
            threads.setdefault(name, []).append(Stack(tuple(frames[1:]), int(count)))
    return threads


def summary(threads: dict[str, list[Stack]]) -> str:
    """Write the shares of the threads, and the top functions of each by own and by cumulative time."""
    total = sum(stack.samples for stacks in threads.values() for stack in stacks)
    by_size = sorted(threads, key=lambda name: -_samples(threads[name]))
    lines = [
        f"{total} samples, {total / SAMPLES_A_SECOND:.1f} s of work, {SAMPLES_A_SECOND} samples a second",
        "",
    ]
    lines += [f"{_samples(threads[name]) / total:7.1%}  {name}" for name in by_size]
    everything = [stack for stacks in threads.values() for stack in stacks]
    for name, stacks in [("all threads", everything), *((name, threads[name]) for name in by_size)]:
        if _samples(stacks) < total * 0.02:
            continue
        own, cumulative = times(stacks)
        for title, counted in (("own", own), ("cumulative", cumulative)):
            lines += ["", f"{name}: by {title} time, share of all samples"]
            lines += [f"{count / total:7.1%}  {function}" for function, count in counted.most_common(SHOWN)]
    return "\n".join(lines) + "\n"


def times(stacks: list[Stack]) -> tuple[Counter[str], Counter[str]]:
    """Count samples by function: those it was at work in itself, and those it was anywhere on the stack of."""
    own: Counter[str] = Counter()
    cumulative: Counter[str] = Counter()
    for stack in stacks:
        if stack.frames:
            own[stack.frames[-1]] += stack.samples
        for frame in set(stack.frames):
            cumulative[frame] += stack.samples
    return own, cumulative


def _samples(stacks: list[Stack]) -> int:
    return sum(stack.samples for stack in stacks)
