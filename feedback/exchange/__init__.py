"""Log formats: out now, in later. A format is one module and one line here."""

from collections.abc import Callable, Iterable, Iterator, Mapping

from feedback.exchange import llava
from feedback.exchange.records import Record

Format = Callable[[Iterable[Record]], Iterator[bytes]]

FORMATS: Mapping[str, Format] = {"jsonl": llava.write}
