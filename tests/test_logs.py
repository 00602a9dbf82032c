"""What goes into the log: one record a line, ids and kinds of errors, never anybody's words."""

import json
import logging
import sys
import threading
import uuid

import pytest
from django.db import DataError, IntegrityError, OperationalError

from chat.workers.errors import WorkerReportedError
from mmchat_site.logs import JsonFormatter, PlainFormatter, log_what_nobody_caught, told

SECRET = "a visitor's words"
REPLY = uuid.UUID("4e26d224-c5aa-44ec-9932-194a44882f37")


def record(message, *arguments, name="chat.test", error=None, **extra):
    info = (type(error), error, error.__traceback__) if error else None
    made = logging.getLogger(name).makeRecord(
        name, logging.WARNING, __file__, 1, message, arguments, info, extra=extra
    )
    made.created = 1795356588.960368
    return made


def as_json(*arguments, **named):
    line = JsonFormatter().format(record(*arguments, **named))
    assert "\n" not in line
    return json.loads(line)


def raised(error, cause=None):
    """Give an exception as `except` would, with its lines of code."""
    try:
        raise error from cause
    except type(error) as caught:
        return caught


def test_a_record_is_one_json_object_on_one_line():
    entry = as_json("reply ended\nwell", reply=REPLY, state="complete", code="", seconds=1.25, characters=0)
    assert entry.pop("process") > 0
    assert entry == {
        "time": "2026-11-22T14:09:48.960Z",
        "level": "WARNING",
        "logger": "chat.test",
        "message": "reply ended\nwell",
        "reply": str(REPLY),
        "state": "complete",
        "seconds": 1.25,
        "characters": 0,
    }


def test_fields_that_are_not_known_stay_out():
    assert "text" not in as_json("reply ended", text=SECRET)


def test_any_text_can_be_logged():
    assert as_json("%s", "\ud800 \x00 \u2028 模型")["message"] == "\ud800 \x00 \u2028 模型"


def test_a_plain_record_has_its_fields_behind_its_words():
    line = PlainFormatter().format(record("reply ended", reply=REPLY, seconds=1.25))
    assert line.endswith(f" WARNING chat.test reply ended reply={REPLY} seconds=1.25")


def test_a_name_with_line_breaks_makes_no_second_line():
    line = PlainFormatter().format(record("worker %s registered", "x\n2026-01-01 ERROR \x1b[2J\u2028\ud800"))
    assert line.endswith("worker x\\n2026-01-01 ERROR \\x1b[2J\\u2028\\ud800 registered")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ValueError(SECRET), "ValueError"),
        (KeyError(SECRET), "KeyError"),
        (WorkerReportedError(SECRET), "worker_reported_error"),
        (OSError(28, "No space left on device", f"/tmp/{SECRET}"), "OSError: No space left on device"),
        (FileNotFoundError(SECRET), "FileNotFoundError"),
        (IntegrityError(f"NOT NULL failed\nDETAIL: {SECRET}"), "django.db.utils.IntegrityError: NOT NULL failed"),
        (OperationalError("database is locked"), "django.db.utils.OperationalError: database is locked"),
        (DataError(f'invalid input syntax for type uuid: "{SECRET}"'), "django.db.utils.DataError"),
        (AttributeError("no attribute 'x'"), "AttributeError: no attribute 'x'"),
        (RuntimeError("no running event loop"), "RuntimeError: no running event loop"),
        (ExceptionGroup(SECRET, [ValueError(SECRET)]), "ExceptionGroup"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)  # fmt: skip
def test_an_exception_is_told_by_its_kind_and_by_words_that_are_our_own(error, words):
    assert told(error) == words
    for formatter in (PlainFormatter(), JsonFormatter()):
        line = formatter.format(record("it failed: %s", error))
        assert SECRET not in line
        assert f"it failed: {words}" in line.replace('\\"', '"')
        assert SECRET not in formatter.format(record(error))


def test_an_exception_comes_with_the_code_it_came_through_and_its_causes():
    error = raised(LookupError(SECRET), raised(ValueError(SECRET)))
    for formatter in (PlainFormatter(), JsonFormatter()):
        text = formatter.format(record("it failed", error=error))
        assert SECRET not in text
        assert text.count("in raised") == 2
        assert text.index("ValueError") < text.index("LookupError")
    assert "raise error from cause" in as_json("it failed", error=error)["exception"]


def test_the_parts_of_an_exception_group_are_told():
    group = raised(ExceptionGroup(SECRET, [raised(KeyError(SECRET)), raised(TypeError("not a number"))]))
    text = as_json("it failed", error=group)["exception"]
    assert SECRET not in text
    assert "KeyError" in text
    assert "TypeError: not a number" in text


def test_an_exception_that_causes_itself_ends():
    first, second = ValueError(SECRET), KeyError(SECRET)
    first.__context__, second.__context__ = second, first
    assert as_json("it failed", error=first)["exception"] == "KeyError\n\nValueError"


def test_calls_and_tasks_that_asyncio_tells_of_are_cut():
    call = f"Exception in callback Reply.show('{SECRET}') at reply.py:1"
    task = f"Task exception was never retrieved\nfuture: <Task exception=ValueError('{SECRET}')>"
    assert as_json(call, name="asyncio")["message"] == "Exception in callback Reply.show(…) at reply.py:1"
    assert as_json(task, name="asyncio")["message"] == "Task exception was never retrieved"


def test_a_log_line_with_a_mistake_shows_no_arguments():
    assert as_json("%d replies and %s", SECRET)["message"] == "%d replies and %s"


def test_what_nobody_caught_is_logged_without_its_words(monkeypatch, caplog):
    for module, name in ((threading, "excepthook"), (sys, "excepthook"), (sys, "unraisablehook")):
        monkeypatch.setattr(module, name, getattr(module, name))
    log_what_nobody_caught()

    def fail():
        raise ValueError(SECRET)

    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    error = raised(KeyError(SECRET))
    sys.excepthook(type(error), error, error.__traceback__)
    lines = [JsonFormatter().format(each) for each in caplog.records]
    assert [json.loads(line)["message"] for line in lines] == ["a thread ended", "the process ends"]
    assert "in fail" in lines[0]
    assert not any(SECRET in line for line in lines)
