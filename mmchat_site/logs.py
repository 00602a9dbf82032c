"""How the site logs: one record a line, with ids, and never what a visitor or a model wrote.

An exception's text can hold anything that was at hand when it was raised: a row that could not be stored, a
key, a worker's answer with the prompt in it. So the formatters tell an exception by its kind and the lines of
code that it came through, and by its text only where that can't be anybody's words.
"""

import contextlib
import json
import logging
import re
import sys
import threading
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from django.db import DataError
from django.db import Error as DatabaseFailure

from chat.workers.errors import WorkerError

FIELDS = (
    "reply", "question", "conversation", "model", "worker", "state", "code", "seconds", "characters",
)  # fmt: skip
_OWN_WORDS = {
    "AssertionError", "AttributeError", "ImportError", "ModuleNotFoundError", "NameError", "RecursionError",
    "RuntimeError", "TypeError", "redis.exceptions.ConnectionError", "redis.exceptions.TimeoutError",
}  # fmt: skip
_ARGUMENTS = re.compile(r"\(.*\)")
log = logging.getLogger(__name__)


def told(error: BaseException) -> str:
    """Name an exception, with its text where that holds nobody's words."""
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    if isinstance(error, WorkerError):
        return error.code
    if isinstance(error, OSError):
        text = error.strerror or ""  # without the file's name: an upload's can end as the visitor's did
    elif isinstance(error, DatabaseFailure) and not isinstance(error, DataError):
        # Behind the first line PostgreSQL shows the row; what is wrong with a value it shows in the first.
        text = str(error).partition("\n")[0]
    else:
        text = str(error) if name in _OWN_WORDS else ""
    return f"{name}: {text}" if text else name


def trace(error: BaseException) -> str:
    """Write down where an exception came from, the causes first, as Python does but for their texts."""
    return "".join(_trace(error, set()))


def _trace(error: BaseException, seen: set[int]) -> Iterator[str]:
    seen.add(id(error))
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if before is not None and id(before) not in seen:
        yield from _trace(before, seen)
        yield "\n\n"
    yield "".join(traceback.format_tb(error.__traceback__))
    yield told(error)
    for each in getattr(error, "exceptions", ()):
        if isinstance(each, BaseException) and id(each) not in seen:
            yield "\n\n"
            yield from _trace(each, seen)


class _Formatter(logging.Formatter):
    """Give what both forms share: the words of a record, its fields, its exception."""

    def words(self, record: logging.LogRecord) -> str:
        arguments: Any = record.args
        if isinstance(arguments, tuple):
            arguments = tuple(_safe(each) for each in arguments)
        elif isinstance(arguments, dict):
            arguments = {name: _safe(each) for name, each in arguments.items()}
        text = str(_safe(record.msg))
        # A mistake in a log line; logging would print its arguments, whatever they are.
        with contextlib.suppress(TypeError, ValueError, KeyError):
            text = text % arguments if arguments else text
        if record.name == "asyncio":
            # It shows calls with their arguments, and tasks with what they raised.
            text = _ARGUMENTS.sub("(…)", text.partition("\n")[0])
        return text

    def fields(self, record: logging.LogRecord) -> dict[str, Any]:
        values = {name: getattr(record, name, None) for name in FIELDS}
        return {name: value for name, value in values.items() if value not in (None, "")}

    def exception(self, record: logging.LogRecord) -> str:
        error = record.exc_info[1] if record.exc_info else None
        return trace(error) if error else ""


def _safe(value: Any) -> Any:
    return told(value) if isinstance(value, BaseException) else value


class PlainFormatter(_Formatter):
    """Write a record as words, its fields behind them as name=value."""

    def format(self, record: logging.LogRecord) -> str:
        text = self.words(record)
        text += "".join(f" {name}={value}" for name, value in self.fields(record).items())
        line = f"{self.formatTime(record)} {record.levelname} {record.name} {_on_one_line(text)}"
        return "\n".join(filter(None, (line, self.exception(record))))


class JsonFormatter(_Formatter):
    """Write a record as one JSON object."""

    def format(self, record: logging.LogRecord) -> str:
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        entry = {
            "time": time.replace("+00:00", "Z"),
            "level": record.levelname,
            "logger": record.name,
            "process": record.process,
            "message": self.words(record),
            **self.fields(record),
        }
        if exception := self.exception(record):
            entry["exception"] = exception
        return json.dumps(entry, default=str)


def _on_one_line(text: str) -> str:
    """Keep a name from elsewhere from looking like another line, or like commands for a terminal."""
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode("ascii") for each in text
    )


def log_what_nobody_caught() -> None:
    """Log exceptions that end the process or a thread, which Python would write out with their texts."""

    def in_thread(found: threading.ExceptHookArgs) -> None:
        if found.exc_value is not None:
            log.error("a thread ended", exc_info=found.exc_value)

    def in_process(kind: Any, error: BaseException, trace: Any) -> None:
        if isinstance(error, KeyboardInterrupt):
            sys.__excepthook__(kind, error, trace)
        else:
            log.critical("the process ends", exc_info=error)

    def nowhere(found: Any) -> None:
        if found.exc_value is not None:
            log.error("an exception had nobody to go to", exc_info=found.exc_value)

    threading.excepthook = in_thread
    sys.excepthook = in_process
    sys.unraisablehook = nowhere
