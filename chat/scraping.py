"""Give the metrics of all processes of one `serve` together, whichever of them is asked.

They share one port, so a scrape reaches any of them. Each answers the others at a socket in a folder that
`serve` made for them; their series keep apart by the label `process`, the number that a process has at its
supervisor. So a process that was started again begins at 0 under its old number, as Prometheus expects.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Iterable, Mapping
from pathlib import Path

from prometheus_client import Metric, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4 as CONTENT_TYPE
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from chat.metrics import registry

__all__ = ["CONTENT_TYPE", "all_processes", "answering_the_others", "be_one_of_several"]

log = logging.getLogger(__name__)

PATIENCE_SECONDS = 2.0  # Prometheus gives up after 10
_number = "0"
_folder: Path | None = None


def be_one_of_several(number: str, folder: Path) -> None:
    """Tell this process its number, and the folder where it and the others answer each other."""
    global _number, _folder
    _number, _folder = number, folder


@contextlib.asynccontextmanager
async def answering_the_others() -> AsyncIterator[None]:
    """Answer the other processes as long as this lasts."""
    server: asyncio.Server | None = None
    if _folder is not None:
        try:
            server = await asyncio.start_unix_server(_answer, _folder / _number)
        except OSError as error:  # a full disk, or somebody who cleaned up
            log.warning("the other processes will lack this one's metrics: %s", error)
    try:
        yield
    finally:
        if server:
            server.close()


async def all_processes() -> bytes:
    """Give the metrics of this process and the others in Prometheus' text format."""
    others = await asyncio.to_thread(_others)
    answers = await asyncio.gather(*map(_ask, others))
    return await asyncio.to_thread(_joined, dict(zip((path.name for path in others), answers, strict=True)))


def _others() -> list[Path]:
    return [path for path in _folder.iterdir() if path.name != _number] if _folder else []


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    # Whoever asked may have gone meanwhile.
    with contextlib.suppress(OSError):
        writer.write(await asyncio.to_thread(generate_latest, registry))
        await writer.drain()
        writer.close()
        await writer.wait_closed()


async def _ask(place: Path) -> str | None:
    """Read what another process answers, None for one that does not."""
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            reader, writer = await asyncio.open_unix_connection(place)
            try:
                return (await reader.read()).decode()
            finally:
                writer.close()
    except OSError:  # TimeoutError is one
        return None


def _joined(others: Mapping[str, str | None]) -> bytes:
    return generate_latest(_Joined({**others, _number: generate_latest(registry).decode()}))


class _Joined(Collector):
    """Join the answers of processes, each metric's series in one place as the format wants them."""

    def __init__(self, texts: Mapping[str, str | None]) -> None:
        self._texts = texts

    def collect(self) -> Iterable[Metric]:
        up = Metric("mmchat_process_up", "1 for a process that answered, 0 for one that did not.", "gauge")
        families = {up.name: up}
        for number, text in sorted(self._texts.items()):
            up.add_sample(up.name, {"process": number}, 0 if text is None else 1)
            for family in text_string_to_metric_families(text or ""):
                joined = families.setdefault(
                    family.name, Metric(family.name, family.documentation, family.type)
                )
                for sample in family.samples:
                    joined.add_sample(sample.name, {**sample.labels, "process": number}, sample.value)
        return families.values()
