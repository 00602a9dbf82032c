"""What an export takes and leaves out."""

import datetime
from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext as _

from chat.models import SiteText
from chat.refusals import Refused
from feedback.exchange.records import IMPORTED, KINDS, LOGGED, Kind
from feedback.models import Flag

VOTES = ("up", "down", "none")
# What moderators have made of a reply; the first that holds. A reply that is hidden is left out unless asked for.
HIDDEN = "hidden"
UNFLAGGED = "unflagged"
MODERATION = (
    HIDDEN,
    Flag.State.UPHELD.value,
    Flag.State.OPEN.value,
    Flag.State.DISMISSED.value,
    UNFLAGGED,
)
NOT_HIDDEN = MODERATION[1:]
NO_LANGUAGE = "und"  # of conversations whose words told none, as ISO 639-2 has it
Consent = Literal["any", "unrefused", "research"]
CONSENT: tuple[Consent, ...] = get_args(Consent)
MOST_LICENCE_CHARACTERS = 100
MOST_NAMES = 100


@dataclass(frozen=True, slots=True)
class Choice:
    """Hold the filters of one export. Times are of the reply's beginning, or of the vote's or flag's first giving.

    `since` is in, `until` is out. `models` and `languages` empty mean all; a language is an ISO 639-1 code, or `und`
    where the words told none. `votes` are those on the reply, `none` for a reply without any. `consent` is `research`
    for conversations whose visitors allow it, `unrefused` for all but those whose visitors said no.
    """

    types: tuple[Kind, ...] = LOGGED
    since: datetime.datetime | None = None
    until: datetime.datetime | None = None
    models: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    votes: tuple[str, ...] = VOTES
    consent: Consent = "unrefused"
    moderation: tuple[str, ...] = NOT_HIDDEN
    images: bool = False
    addresses: bool = False
    licence: str = ""

    def described(self) -> dict[str, Any]:
        """Give the choice as JSON can hold it; `read` takes it back."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        return {
            name: value.isoformat()
            if isinstance(value, datetime.datetime)
            else list(value)
            if isinstance(value, tuple)
            else value
            for name, value in values.items()
        }


def read(given: Mapping[str, Any], types: Collection[Kind]) -> Choice:
    """Make a choice of what somebody asked for; what is missing or None is as usual.

    Lists may be one text with commas. `types` are those that the format has. `consent` is never `any` unless it
    is asked for, see `usual_consent`. Raises `Refused` that names the field and what it may be.
    """
    asked = {name: value for name, value in given.items() if value not in (None, "", [], ())}
    if unknown := sorted(asked.keys() - {each.name for each in fields(Choice)}):
        raise Refused("filter_unknown", _("There is no such filter."), unknown[0])
    in_order = [kind for kind in (*KINDS, IMPORTED) if kind in types]
    consent = asked.get("consent") or usual_consent()
    if consent not in CONSENT:
        _refuse("consent", consent, CONSENT)
    choice = Choice(
        types=tuple(_some("types", asked, in_order)),  # type: ignore[arg-type]  # checked to be among the kinds
        since=_moment("since", asked),
        until=_moment("until", asked),
        models=tuple(sorted(set(_texts("models", asked)))),
        languages=tuple(sorted(set(_texts("languages", asked)))),
        votes=tuple(_some("votes", asked, VOTES)),
        consent=consent,
        moderation=tuple(_some("moderation", asked, MODERATION, NOT_HIDDEN)),
        images=_switch("images", asked),
        addresses=_switch("addresses", asked),
        licence=_licence(asked),
    )
    if choice.since and choice.until and choice.since >= choice.until:
        raise Refused(
            "filter_invalid", _("The end must lie after the beginning."), "until", choice.since.isoformat()
        )
    return choice


def usual_consent() -> Consent:
    """Leave out who did not say yes where the site asks, and elsewhere who said no when it did."""
    return "research" if SiteText.objects.filter(offers_research=True).exists() else "unrefused"


def _refuse(field: str, value: object, allowed: Collection[str]) -> None:
    raise Refused(
        "filter_invalid",
        _("Unknown value %(value)s; choose from %(allowed)s.")
        % {"value": repr(value), "allowed": ", ".join(allowed)},
        field,
        ", ".join(allowed),
    )


def _texts(field: str, asked: Mapping[str, Any]) -> list[str]:
    value = asked.get(field, [])
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, list | tuple) or not all(
        isinstance(part, str) and "\0" not in part for part in parts
    ):
        raise Refused("filter_invalid", _("This must be a list of texts."), field)
    if len(parts) > MOST_NAMES:
        raise Refused(
            "filter_invalid", _("At most %(limit)s values.") % {"limit": MOST_NAMES}, field, MOST_NAMES
        )
    return [part.strip() for part in parts if part.strip()]


def _some(
    field: str, asked: Mapping[str, Any], allowed: Collection[str], usual: Collection[str] | None = None
) -> list[str]:
    wanted = _texts(field, asked)
    for value in wanted:
        if value not in allowed:
            _refuse(field, value, allowed)
    return [value for value in allowed if value in (wanted or usual or allowed)]


def _moment(field: str, asked: Mapping[str, Any]) -> datetime.datetime | None:
    """Read a date or a time; without a zone it is UTC."""
    value = asked.get(field)
    if value is None:
        return None
    text = value.isoformat() if isinstance(value, datetime.date) else value
    moment: datetime.datetime | None = None
    try:
        day = parse_date(text)
        moment = datetime.datetime(day.year, day.month, day.day) if day else parse_datetime(text)
        if moment and moment.tzinfo is None:
            moment = moment.replace(tzinfo=datetime.UTC)
        moment = moment.astimezone(datetime.UTC) if moment else None
    except (TypeError, ValueError, OverflowError):
        moment = None
    if moment is None:
        raise Refused(
            "filter_invalid",
            _("Write a date such as 2026-11-22, or a time such as 2026-11-22T10:00:00Z."),
            field,
            "YYYY-MM-DD",
        )
    return moment


def _switch(field: str, asked: Mapping[str, Any]) -> bool:
    value = asked.get(field, False)
    if not isinstance(value, bool):
        raise Refused("filter_invalid", _("This must be true or false."), field)
    return value


def _licence(asked: Mapping[str, Any]) -> str:
    value = asked.get("licence", "")
    if not isinstance(value, str) or len(value) > MOST_LICENCE_CHARACTERS or not value.isprintable():
        raise Refused(
            "filter_invalid",
            _("One line of at most %(limit)s characters.") % {"limit": MOST_LICENCE_CHARACTERS},
            "licence",
            MOST_LICENCE_CHARACTERS,
        )
    return value.strip()
