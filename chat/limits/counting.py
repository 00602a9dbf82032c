"""Count what somebody does, and refuse what is too much."""

import uuid
from collections.abc import Iterator, Mapping

from django.contrib import admin
from django.contrib.auth import get_user
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest

from chat.addresses import Address, hash_of_text, keyed_hash
from chat.limits import windows
from chat.limits.rules import Rules, most, rules, too_much
from chat.limits.windows import Window
from chat.models import LimitRule
from chat.models.limits import Counted, CountedBy
from chat.refusals import Refused
from chat.visitors import request_address, visitor_key

Who = Mapping[str, str]  # a name that tells nobody who it is, for each way to count that applies


def who_is(visitor: uuid.UUID | None, address: Address | None) -> Who:
    """Give the names under which a visitor's doings are counted; what counts them must not know the visitor."""
    names = {
        CountedBy.VISITOR: hash_of_text(f"visitor {visitor}")[:32] if visitor else "",
        CountedBy.ADDRESS: keyed_hash(address)[:32],
    }
    return {by: name for by, name in names.items() if name}


def count(request: HttpRequest, counted: Counted, cost: int = 1, visitor: uuid.UUID | None = None) -> None:
    """Count what a request does, by its own visitor or that of the data. Raises `Refused`, but not for staff."""
    who = who_is(visitor or visitor_key(request), request_address(request))
    try:
        _count(who, counted, cost)
    except Refused:
        if not admin.site.has_permission(request):
            raise


def count_token(token: uuid.UUID) -> None:
    """Count a request of the API. Raises `Refused`."""
    _count({CountedBy.TOKEN: str(token)}, Counted.API)


async def count_from_loop(in_force: Rules, who: Who, counted: Counted) -> None:
    """Count what a socket does. Raises `Refused`; whether that is staff's is for the caller to find out."""
    for rule, window in _windows(in_force, who, counted):
        if seconds := await windows.hit_from_loop(window):
            raise too_much(rule, seconds)


def is_staff(session: str) -> bool:
    """Tell whether the session of this key is one of staff that holds now."""
    if not session or "\0" in session:  # a quoted cookie can hold one; PostgreSQL can't
        return False
    request = HttpRequest()
    request.session = SessionStore(session)
    request.user = get_user(request)
    return admin.site.has_permission(request)


def _count(who: Who, counted: Counted, cost: int = 1) -> None:
    for rule, window in _windows(rules(), who, counted):
        if seconds := windows.hit(window, cost):
            raise too_much(rule, seconds)


def _windows(in_force: Rules, who: Who, counted: Counted) -> Iterator[tuple[LimitRule, Window]]:
    for rule in in_force.get(counted, ()):
        if rule.seconds and rule.by in who:
            # By its number: another amount goes on from what was counted, another time begins anew.
            key = f"{counted}:{rule.pk}:{rule.seconds}:{who[rule.by]}"
            yield rule, Window(key, most(rule), rule.seconds)
