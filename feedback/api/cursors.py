"""Pages of a list that stay where they are while rows are added: each begins behind the last row of the one before."""

import base64
import datetime
import json
import uuid
from typing import Any

from django.db.models import Model, Q, QuerySet, UUIDField
from django.utils.translation import gettext as _

from chat.refusals import Refused

_MOST = 2**63 - 1


def page(rows: QuerySet[Any], cursor: str | None, limit: int) -> tuple[list[Any], str | None]:
    """Give up to `limit` rows by `created` and key behind a cursor, and the cursor of the next page, None at the end.

    Raises `Refused` for a cursor that is none.
    """
    if cursor:
        created, pk = _read(cursor, rows.model)
        # The first condition says nothing that the second doesn't; it is what the index understands.
        rows = rows.filter(created__gte=created).filter(Q(created__gt=created) | Q(pk__gt=pk))
    found = list(rows.order_by("created", "pk")[: limit + 1])
    if len(found) <= limit:
        return found, None
    last = found[limit - 1]
    place = json.dumps([last.created.isoformat(), str(last.pk)])
    return found[:limit], base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")


def _read(cursor: str, model: type[Model]) -> tuple[datetime.datetime, Any]:
    try:
        text = base64.urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
        created, pk = json.loads(text)
        moment = datetime.datetime.fromisoformat(created).astimezone(datetime.UTC)
        if isinstance(model._meta.pk, UUIDField):
            return moment, uuid.UUID(pk)
        number = int(pk)
        if not 0 <= number <= _MOST:
            raise ValueError(number)
        return moment, number
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError):
        raise Refused("cursor_invalid", _("This is no cursor of this list."), "cursor") from None
