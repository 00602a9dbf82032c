"""The periods that the dashboard can show, and the hours or days they consist of."""

import bisect
import datetime
from collections.abc import Sequence
from dataclasses import dataclass

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

HOUR = datetime.timedelta(hours=1)


@dataclass(frozen=True)
class Span:
    """Hours or days in a row, the last of which is not over; all times in the current time zone."""

    starts: Sequence[datetime.datetime]
    end: datetime.datetime
    hourly: bool

    @property
    def start(self) -> datetime.datetime:
        return self.starts[0]

    def place(self, moment: datetime.datetime) -> int:
        """Give the place of the hour or day in which a moment lies, which must not be before the first."""
        return bisect.bisect_right(self.starts, moment) - 1

    def label(self, place: int) -> str:
        return date_format(self.starts[place], "H:i" if self.hourly else "j M")


@dataclass(frozen=True)
class Period:
    name: str  # as the address has it
    label: str | Promise
    number: int
    hourly: bool = False

    def until(self, now: datetime.datetime) -> Span:
        """Give the hours or days up to the one that `now` is in."""
        now = timezone.localtime(now)
        if self.hourly:
            last = now.replace(minute=0, second=0, microsecond=0).astimezone(datetime.UTC)
            # Subtracted in UTC: where clocks are put back, local hours are told twice.
            starts = [timezone.localtime(last - place * HOUR) for place in reversed(range(self.number))]
        else:
            days = [now.date() - datetime.timedelta(days=place) for place in reversed(range(self.number))]
            starts = [datetime.datetime.combine(day, datetime.time.min, now.tzinfo) for day in days]
        return Span(starts, now, self.hourly)


PERIODS = (
    Period("24h", _("24 hours"), 24, hourly=True),
    Period("7d", _("7 days"), 7),
    Period("30d", _("30 days"), 30),
    Period("90d", _("90 days"), 90),
)
LONGEST = datetime.timedelta(days=90)


def period_named(name: str) -> Period | None:
    return next((period for period in PERIODS if period.name == name), None)
