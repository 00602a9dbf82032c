"""Close the hours of the settings' database, then time what the dashboard reads of it; print rows as JSON.

`python -m benchmarks.dashboard_reads`; started by `benchmarks.dashboard`.
"""

import json
import os
import time
from collections.abc import Callable

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
    rows: dict[str, Row] = {}
    for period in PERIODS:
        for what, read in _reads(period, client).items():
            rows.setdefault(what, {"what": what, "is_plot": what in PLOTS})[period.name] = _worst(read)
    once = {"what": f"counting {hours:,} hours, once", "is_plot": False, PERIODS[-1].name: seconds * 1000}
    print(json.dumps([*rows.values(), once]))


def _reads(period: Period, client: Client) -> dict[str, Callable[[], object]]:
    span = period.until(timezone.now())
    numbers = numbers_of(span)

    def page() -> None:
        assert client.get("/admin/", {"period": period.name}).status_code == 200

    return {
        **{name: getattr(numbers, name) for name in PLOTS},
        "open hours": lambda: numbers_of(span),
        "whole page": page,
    }


def _worst(read: Callable[[], object]) -> float:
    """Give the milliseconds of the slowest of several reads, after one that warms the cache."""
    times = []
    for _ in range(TIMES + 1):
        begun = time.perf_counter()
        read()
        times.append((time.perf_counter() - begun) * 1000)
    return max(times[1:])


if __name__ == "__main__":
    main()
