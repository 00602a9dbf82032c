"""Lock whoever types wrong passwords out of the administration for some minutes: an address, or a name.

A try counts before its password is looked at, so that many at once do not get more tries than one after the other.
A browser in which somebody logged in before has tries of its own for that name (a signed cookie, as OWASP's "device
cookies"): neither others at the same address nor those who type the name can lock its owner out there.
"""

import datetime
import math
import secrets
import unicodedata
from collections.abc import Iterable, Mapping

from django.conf import settings
from django.core import signing
from django.db import transaction
from django.db.models import F
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from chat.addresses import hash_of_text
from chat.models import LogInTries
from chat.visitors import request_address

# An account may be tried from many addresses at once; who types its name without its password must find it hard to
# lock its owner out.
NAMES = 10

COOKIE = "mmchat_staff"
COOKIE_SECONDS = 180 * 24 * 3600
_SALT = "mmchat.staff"

Limits = Mapping[str, int]


def limits(request: HttpRequest, name: str = "") -> Limits:
    """Give how many tries each of those has that a log-in is counted for.

    They are the browser, where `name` (empty: anybody) logged in there before, or else the address, and the name.
    """
    most, name = settings.MMCHAT_ADMIN_TRIES, _as_looked_for(name)
    owner, browser = _known(request)
    if owner and name in ("", owner):
        return {hash_of_text(f"log-in browser {browser}"): most}
    by_address = {_of_address(request): most}
    return by_address | ({hash_of_text(f"log-in name {name}"): most * NAMES} if name else {})


def seconds_to_wait(who: Limits) -> int:
    """Give how long one of `who` is locked out, 0 for not at all."""
    return _longest(LogInTries.objects.filter(who__in=who), who)


def count(who: Limits) -> int:
    """Count a try; give how long to wait instead where it is one too many, which does not count."""
    now = timezone.now()
    with transaction.atomic():
        for key in sorted(who):  # in one order, so that two never wait for each other
            LogInTries.objects.get_or_create(who=key, defaults={"last": now})
        rows = list(LogInTries.objects.select_for_update().filter(who__in=who).order_by("who"))
        if wait := _longest(rows, who):
            return wait
        for row in rows:
            row.tries, row.last = (row.tries + 1 if _is_fresh(row, now) else 1), now
        LogInTries.objects.bulk_update(rows, ["tries", "last"])
    return 0


def forgive(request: HttpRequest, who: Limits) -> None:
    """Forget the tries of somebody who could log in, but of those of an address no other than this one.

    Who has an account could else try the passwords of others, and log in between as oneself.
    """
    address = _of_address(request)
    LogInTries.objects.filter(who__in=set(who) - {address}).delete()
    if address in who:
        LogInTries.objects.filter(who=address, tries__gt=0).update(tries=F("tries") - 1)
        LogInTries.objects.filter(who=address, tries=0).delete()


def remember(request: HttpRequest, response: HttpResponse, name: str) -> None:
    """Let the browser that gets this response have tries of its own for the name that has logged in."""
    name = _as_looked_for(name)
    owner, browser = _known(request)
    response.set_cookie(
        COOKIE,
        signing.dumps([name, browser if owner == name else secrets.token_urlsafe(16)], salt=_SALT),
        max_age=COOKIE_SECONDS,
        path=f"/{settings.MMCHAT_ADMIN_PATH}/",
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def forget_old_tries() -> None:
    """Remove what locks nobody out any more."""
    LogInTries.objects.filter(last__lt=timezone.now() - _period()).delete()


def _of_address(request: HttpRequest) -> str:
    return hash_of_text(f"log-in address {request_address(request)}")


def _as_looked_for(name: str) -> str:
    """Give a name as the form hands it on, in small letters: each way to type it must count as one."""
    return unicodedata.normalize("NFKC", name.strip()).lower()


def _known(request: HttpRequest) -> tuple[str, str]:
    """Give who logged in in this browser before, and its own number; nothing of what this site did not sign."""
    try:
        owner, browser = signing.loads(request.COOKIES.get(COOKIE, ""), salt=_SALT, max_age=COOKIE_SECONDS)
    except signing.BadSignature:
        return "", ""
    return owner, browser


def _longest(rows: Iterable[LogInTries], who: Limits) -> int:
    now = timezone.now()
    waits = [
        (row.last + _period() - now).total_seconds()
        for row in rows
        if row.tries >= who[row.who] and _is_fresh(row, now)
    ]
    return math.ceil(max(waits, default=0))


def _is_fresh(row: LogInTries, now: datetime.datetime) -> bool:
    return row.last > now - _period()


def _period() -> datetime.timedelta:
    return datetime.timedelta(seconds=settings.MMCHAT_ADMIN_LOCK_SECONDS)
