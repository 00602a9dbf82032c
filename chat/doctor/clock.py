"""Does this machine's clock agree with those of the database and of the backends?"""

import datetime
from concurrent.futures import ThreadPoolExecutor

from django.conf import settings
from django.db import connection

from chat.backends import check_backend
from chat.doctor.finding import Finding, ok, warning
from chat.models import Backend
from chat.workers.clock import date_of
from chat.workers.errors import WorkerError

SECONDS = 3.0
OF_DATABASE = 1.0  # seconds; more are told
OF_BACKENDS = 5.0  # dates of HTTP have whole seconds, and took a while to come
_ASKED_AT_ONCE = 16


def clock() -> list[Finding]:
    """Compare the clocks; backends that do not answer are somebody else's concern."""
    backends = Backend.objects.filter(enabled=True).exclude(kind=Backend.Kind.BUILT_IN)
    findings = [_database()] if connection.vendor == "postgresql" else []
    with ThreadPoolExecutor(_ASKED_AT_ONCE) as pool:
        findings += [finding for finding in pool.map(_backend, backends) if finding]
    return findings or [ok("No other machine's clock is at hand")]


def compare(name: str, theirs: datetime.datetime, allowed: float) -> Finding:
    """Judge another clock by this machine's."""
    ahead = (theirs - datetime.datetime.now(datetime.UTC)).total_seconds()
    if abs(ahead) <= allowed:
        return ok(f"The clock of {name} agrees with this machine's")
    which = "ahead of" if ahead > 0 else "behind"
    text = f"The clock of {name} is {abs(ahead):.0f} s {which} this machine's"
    return warning(text, "Keep all machines in time, by systemd-timesyncd, chrony or the like.")


def _database() -> Finding:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        return compare("the database", cursor.fetchone()[0], OF_DATABASE)


def _backend(backend: Backend) -> Finding | None:
    try:
        if backend.url != settings.MMCHAT_CONTROLLER_URL:
            check_backend(backend.url)
        date = date_of(backend.url, SECONDS)
    except WorkerError:
        return None
    return compare(backend.name, date, OF_BACKENDS) if date else None
