"""Write the data card of an export: what is in it, from when, chosen how, by whose leave.

It has no time of its own making: the same rows give the same card.
"""

import datetime
import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from feedback.exchange.choice import MODERATION, NOT_HIDDEN, VOTES, Choice
from feedback.exchange.records import Record

README = "README.md"
_CONSENT = {
    "any": "Not a criterion: conversations are in whether or not their visitors allowed research.",
    "unrefused": "All conversations but those of visitors who had said no to “My chats may be used for research”.",
    "research": "Only conversations whose visitors had switched on “My chats may be used for research”.",
}


@dataclass
class Tally:
    """Count what an export holds. `to_json` and `from_json` carry it over an interruption."""

    records: int = 0
    by_type: Counter[str] = field(default_factory=Counter)
    by_model: Counter[str] = field(default_factory=Counter)
    first: datetime.datetime | None = None
    last: datetime.datetime | None = None

    def add(self, record: Record) -> None:
        self.records += 1
        self.by_type[record.kind] += 1
        self.by_model[record.model] += 1
        if self.first is None or record.when < self.first:
            self.first = record.when
        if self.last is None or record.when > self.last:
            self.last = record.when

    def to_json(self) -> dict[str, Any]:
        return {
            "records": self.records,
            "by_type": self.by_type,
            "by_model": self.by_model,
            "first": self.first and self.first.isoformat(),
            "last": self.last and self.last.isoformat(),
        }

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> "Tally":
        moments = {
            name: datetime.datetime.fromisoformat(stored[name]) if stored[name] else None
            for name in ("first", "last")
        }
        return cls(stored["records"], Counter(stored["by_type"]), Counter(stored["by_model"]), **moments)


def card(
    title: str,
    data: str | None,
    choice: Choice,
    tally: Tally,
    entries: int,
    left_out: int,
    lot: str,
    pictures: int | None,
) -> str:
    """Give the text of the card.

    `data` are the files that `datasets` opens, None where it finds them itself; `entries` is how many there are,
    `left_out` how many had pictures that are gone, `lot` what
    became of them, `pictures` how many files are beside, None for none.
    """
    front = ["---", f"license: {json.dumps(choice.licence or 'unknown')}"]
    if data:
        front += ["configs:", "- config_name: default", f"  data_files: {json.dumps(data)}"]
    lines = [
        *front,
        "---",
        "",
        f"# {title}",
        "",
        "## Counts",
        "",
        f"- Entries: {entries:,}",
        f"- Records that were read for them: {tally.records:,}",
        *(f"  - {kind}: {number:,}" for kind, number in sorted(tally.by_type.items())),
        "- Pictures: " + ("not in this export; entries name them" if pictures is None else f"{pictures:,}"),
        *([f"- With a picture that is gone or blocked ({lot}): {left_out:,}"] if left_out else []),
        "",
        "## Models",
        "",
        *(f"- {_plain(model)}: {number:,}" for model, number in sorted(tally.by_model.items())),
        "",
        "## Dates",
        "",
        f"- First: {_moment(tally.first)}",
        f"- Last: {_moment(tally.last)}",
        "",
        "## Filters",
        "",
        f"- Since (included): {_moment(choice.since)}",
        f"- Until (not included): {_moment(choice.until)}",
        f"- Types: {', '.join(choice.types)}",
        f"- Models: {', '.join(map(_plain, choice.models)) or 'all'}",
        f"- Languages: {', '.join(map(_plain, choice.languages)) or 'all'}",
        f"- Votes on the reply: {_all(choice.votes, VOTES, 'not a criterion')}",
        f"- What moderators made of it: {_all(choice.moderation, MODERATION, 'not a criterion')}"
        + (" (all but what they hid)" if choice.moderation == NOT_HIDDEN else ""),
        f"- Addresses of visitors: {'kept, or their keyed hash' if choice.addresses else 'left out'}",
        "",
        "Left out as well: conversations that their visitors deleted, and what moderation kept from the models.",
        "",
        "## Consent",
        "",
        _CONSENT[choice.consent],
        "",
        "Somebody may withdraw later: make a new export rather than keep an old one.",
        "",
        "## Licence",
        "",
        choice.licence or "None was stated. Ask the host of the site before you pass this on.",
        "",
    ]
    return "\n".join(lines)


def _moment(moment: datetime.datetime | None) -> str:
    return moment.isoformat(sep=" ", timespec="seconds") if moment else "–"


def _all(values: tuple[str, ...], every: tuple[str, ...], words: str) -> str:
    return words if values == every else ", ".join(values)


def _plain(name: str) -> str:
    """Names come from workers: nothing in them is Markdown or a new line."""
    return "`" + " ".join(name.replace("`", "'").split()) + "`"
