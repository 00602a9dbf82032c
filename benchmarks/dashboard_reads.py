"""Close the hours of the settings' database, then time what the dashboard reads of it; print rows as JSON.

`python -m benchmarks.dashboard_reads`; started by `benchmarks.dashboard`.
"""

import json
import os
import time
from collections.abc import Callable
from statistics import median

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mmchat_site.settings")
django.setup()

from django.contrib.auth.models import User  # noqa: E402 - models need the loaded apps
from django.db import connection  # noqa: E402
from django.test import Client  # noqa: E402
from django.utils import timezone  # noqa: E402

from benchmarks.tables import Row  # noqa: E402
from feedback.dashboard.hours import close_hours  # noqa: E402
from feedback.dashboard.numbers import numbers_of  # noqa: E402
from feedback.dashboard.periods import PERIODS, Period  # noqa: E402

PLOTS = ("conversations", "replies", "errors", "first_tokens", "speeds", "votes", "flags")
TIMES = 9


def main() -> None:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(
                "VACUUM ANALYZE"
            )  # the benchmark's server does it by itself as little as it vacuums
    begun = time.perf_counter()
    hours = close_hours()["hours"]
    seconds = time.perf_counter() - begun
    client = Client(headers={"host": "127.0.0.1"})
    client.force_login(User.objects.create_superuser("boss"))
    rows = [row for period in PERIODS for row in _reads(period, client)]
    rows.append(_row("", f"counting {hours:,} hours, once", [seconds * 1000]))
    print(json.dumps(rows))


def _reads(period: Period, client: Client) -> list[Row]:
    span = period.until(timezone.now())
    numbers = numbers_of(span)
    rows = [_row(period.name, name, _times(getattr(numbers, name))) for name in PLOTS]
    rows.append(_row(period.name, "open hours", _times(lambda: numbers_of(span))))

    def page() -> None:
        assert client.get("/admin/", {"period": period.name}).status_code == 200

    rows.append(_row(period.name, "whole page", _times(page)))
    return rows


def _times(read: Callable[[], object]) -> list[float]:
    """Give milliseconds of each read but the first."""
    times = []
    for _ in range(TIMES + 1):
        begun = time.perf_counter()
        read()
        times.append((time.perf_counter() - begun) * 1000)
    return times[1:]


def _row(period: str, what: str, times: list[float]) -> Row:
    return {
        "period": period,
        "what": what,
        "median": median(times),
        "worst": max(times),
        "is_plot": what in PLOTS,
    }


if __name__ == "__main__":
    main()
