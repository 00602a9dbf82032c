"""Read a server's clock off its answer."""

import datetime
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from .calls import get_json
from .errors import WorkerError


def date_of(url: str, timeout: float) -> datetime.datetime | None:
    """Give the `Date` of a server's answer, whatever it answers; None where it tells none. Raises a WorkerError."""
    told = ""

    def note(status: int, headers: Mapping[str, str], body: str) -> WorkerError | None:
        nonlocal told
        told = headers.get("Date", "")
        return None

    get_json(url, timeout, "", note)
    try:
        date = parsedate_to_datetime(told)
    except ValueError:
        return None
    return date if date.tzinfo else date.replace(tzinfo=datetime.UTC)
