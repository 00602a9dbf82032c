"""Look at everything, one thing after the other."""

import logging
from collections.abc import Callable, Iterator
from typing import NamedTuple

from django.db import Error as DatabaseFailure

from chat.doctor.backends import backends
from chat.doctor.clock import clock
from chat.doctor.database import database
from chat.doctor.deployment import deployment
from chat.doctor.finding import Finding, State, in_a_line, warning, wrong
from chat.doctor.keys import keys
from chat.doctor.media import media
from chat.doctor.moderation import moderation
from chat.doctor.prompts import prompts
from chat.doctor.shared import shared
from chat.doctor.static import static

log = logging.getLogger(__name__)

CHECKS: dict[str, Callable[[], list[Finding]]] = {
    "database": database,
    "redis": shared,
    "media": media,
    "backends": backends,
    "keys": keys,
    "prompts": prompts,
    "content checks": moderation,
    "static files": static,
    "clock": clock,
    "deployment": deployment,
}
_READ_TABLES = ("backends", "keys", "prompts", "content checks", "clock")
_MEND_FIRST = "Mend the database first."


class Examined(NamedTuple):
    """What a check found."""

    check: str
    finding: Finding


def examine() -> Iterator[Examined]:
    """Give what each check finds, as it is found; no check keeps the next one from looking."""
    database_fails = False
    for name, check in CHECKS.items():
        # Each would wait as long again for a database that does not answer.
        if database_fails and name in _READ_TABLES:
            yield Examined(name, warning("Not checked", _MEND_FIRST))
            continue
        for finding in _found(check):
            database_fails |= name == "database" and finding.state == State.WRONG
            yield Examined(name, finding)


def _found(check: Callable[[], list[Finding]]) -> list[Finding]:
    try:
        return check()
    except DatabaseFailure as error:
        return [warning(f"Not checked: {in_a_line(error)}", _MEND_FIRST)]
    except Exception as error:  # one that fails must not hide what the others find
        log.exception("a check failed")
        return [
            wrong(f"The check itself failed: {in_a_line(error)}", "Please report it, with the lines above.")
        ]
