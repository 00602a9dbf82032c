"""What the site does by itself now and then, in whichever process gets to it first."""

import datetime
import logging
from collections.abc import Callable
from typing import NamedTuple

from django.utils import timezone

from chat.models import Chore
from chat.purge import purge, sweep

log = logging.getLogger(__name__)

LOOK_SECONDS = 60.0  # between two looks of a process


class Work(NamedTuple):
    every: datetime.timedelta
    do: Callable[[], dict[str, int]]


# Apps that this one does not know add theirs where the site is put together, in mmchat_site/asgi.py.
CHORES: dict[str, Work] = {
    "purge": Work(datetime.timedelta(hours=1), purge),
    "sweep": Work(datetime.timedelta(days=1), sweep),
}


def do_chores() -> None:
    """Do what is due. Moving `due` is the claim: one process gets it, and one that dies leaves it to the next time."""
    for name, work in CHORES.items():
        now = timezone.now()
        row, _ = Chore.objects.get_or_create(name=name, defaults={"due": now})
        if row.due > now or not Chore.objects.filter(name=name, due=row.due).update(
            due=now + work.every, started=now, ended=None
        ):
            continue
        result = work.do()
        Chore.objects.filter(name=name).update(ended=timezone.now(), result=result)
        log.info("%s done", name, extra={"result": result})
