"""A visitor's list of conversations: in pages, searched, and with titles that the visitor may change."""

import re
import uuid
from datetime import datetime
from typing import Any

from django.db.models import OuterRef, Q, Subquery
from django.utils.translation import gettext as _

from chat.conversations import can_be_seen
from chat.models import Conversation, Message
from chat.refusals import Refused

PAGE = 50
SEARCHED = 200  # conversations that one answer looks through
MOST_CHARACTERS = 100  # of what is searched for
EXCERPT = 120  # characters of a message around what was found
LONGEST_TITLE = 120


def page_of(visitor_key: uuid.UUID | None, before: datetime | None, words: str) -> dict[str, Any]:
    """Give a page of the visitor's conversations, last used first; with `words`, those with them in title or messages.

    A search looks through a bounded number of conversations: it may give few or none and still have `more`, after
    `before`.
    """
    own = Conversation.objects.owned_by(visitor_key).select_related("model").order_by("-updated")
    if before:
        own = own.filter(updated__lt=before)
    words = words.replace("\0", "").strip()[:MOST_CHARACTERS]
    rows, more, last = _search(own, words) if words else _newest(own)
    places = {row.pk: row.found for row in rows if words and row.found and not _has(row.title, words)}
    texts = dict(Message.objects.filter(pk__in=places.values()).values_list("pk", "text"))
    return {
        "conversations": [
            {
                "id": row.pk,
                "title": row.title,
                "model": str(row.model),
                "updated": row.updated.timestamp(),
                "message": places.get(row.pk),
                "excerpt": excerpt(texts[places[row.pk]], words) if row.pk in places else "",
            }
            for row in rows
        ],
        "more": more,
        "before": last.timestamp() if last else None,
    }


Found = tuple[
    list[Any], bool, datetime | None
]  # conversations, those of a search with `found`, a message's id


def _newest(own: Any) -> Found:
    rows = list(own[: PAGE + 1])
    shown = rows[:PAGE]
    return shown, len(rows) > PAGE, shown[-1].updated if shown else None


def _search(own: Any, words: str) -> Found:
    times = list(own.values_list("updated", flat=True)[: SEARCHED + 1])
    if not times:
        return [], False, None
    oldest = times[:SEARCHED][-1]
    messages = Message.objects.filter(conversation=OuterRef("pk"), text__icontains=words).order_by("position")
    found = own.filter(updated__gte=oldest).annotate(found=Subquery(messages.values("pk")[:1]))
    rows = list(found.filter(Q(title__icontains=words) | Q(found__isnull=False))[: PAGE + 1])
    if len(rows) > PAGE:
        return rows[:PAGE], True, rows[PAGE - 1].updated
    return rows, len(times) > SEARCHED, oldest


def _has(text: str, words: str) -> bool:
    return words.casefold() in text.casefold()


def excerpt(text: str, words: str) -> str:
    """Give the part of a text around the first `words` in it, in one line."""
    line = " ".join(text.split())
    found = re.search(re.escape(" ".join(words.split())), line, re.IGNORECASE)
    start = max(0, found.start() - EXCERPT // 3) if found else 0
    if found and start:
        start = max(start, line.find(" ", start, found.start()) + 1)
    end = start + EXCERPT
    return ("…" if start else "") + line[start:end].strip() + ("…" if end < len(line) else "")


def rename(visitor_key: uuid.UUID, conversation_id: uuid.UUID, title: str) -> str:
    """Give a conversation another title; gives it as it is stored, in one line. Raises `Refused`."""
    title = " ".join(title.split())
    if not can_be_seen(title):
        raise Refused("title_empty", _("A title needs at least one character."), "title", 1)
    if len(title) > LONGEST_TITLE:
        words = _("The title has %(length)s characters; at most %(limit)s are allowed.")
        raise Refused(
            "title_too_long", words % {"length": len(title), "limit": LONGEST_TITLE}, "title", LONGEST_TITLE
        )
    if "\0" in title:
        raise Refused("text_unreadable", _("The title holds a NUL character."), "title")
    if not Conversation.objects.owned_by(visitor_key).filter(pk=conversation_id).update(title=title):
        raise Refused("not_found", _("This conversation does not exist."), "conversation")
    return title
