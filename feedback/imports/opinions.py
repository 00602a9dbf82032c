"""Votes and flags of log lines: one vote for each visitor and reply, with what it was before."""

import datetime
import uuid
from dataclasses import dataclass, field

from chat.models import Message
from feedback.models import Flag, Vote, VoteChange

_VALUES = {"upvote": Vote.Value.UP, "downvote": Vote.Value.DOWN}
_Key = tuple[uuid.UUID, uuid.UUID]


@dataclass(slots=True)
class Opinions:
    """Collect a batch's votes and flags, then write them beside those there are."""

    _votes: dict[_Key, list[tuple[datetime.datetime, str]]] = field(default_factory=dict)
    _flags: dict[_Key, datetime.datetime] = field(default_factory=dict)

    def add(self, kind: str, visitor: uuid.UUID, message: uuid.UUID, when: datetime.datetime) -> None:
        key = (visitor, message)
        if kind == "flag":
            self._flags[key] = min(when, self._flags.get(key, when))
        else:
            self._votes.setdefault(key, []).append((when, _VALUES[kind]))

    def write(self) -> None:
        """Write votes and flags; of a vote that changed, what it was stays as `VoteChange`."""
        replies = [message for _, message in self._votes]
        found = {
            (vote.visitor_id, vote.message_id): vote for vote in Vote.objects.filter(message__in=replies)
        }
        models = dict(Message.objects.filter(pk__in=replies).values_list("pk", "model_id"))
        changed: dict[_Key, Vote] = {}
        new: dict[_Key, Vote] = {}
        kept: list[VoteChange] = []
        for key, votes in self._votes.items():
            for when, value in sorted(votes):
                vote = found.get(key)
                if vote is None:
                    vote = Vote(
                        visitor_id=key[0],
                        message_id=key[1],
                        model_id=models.get(key[1]),
                        value=value,
                        created=when,
                        changed=when,
                    )
                    found[key] = new[key] = vote
                elif value != vote.value:
                    kept.append(_turned(vote, value, when))
                    changed[key] = vote
        Vote.objects.bulk_create(new.values())
        Vote.objects.bulk_update(
            [vote for key, vote in changed.items() if key not in new], ["value", "changed"]
        )
        VoteChange.objects.bulk_create(kept)
        Flag.objects.bulk_create(
            [
                Flag(visitor_id=visitor, message_id=message, reason=Flag.Reason.OTHER, created=when)
                for (visitor, message), when in self._flags.items()
            ],
            ignore_conflicts=True,
        )


def _turned(vote: Vote, value: str, when: datetime.datetime) -> VoteChange:
    """Let the later of two opinions be the vote, and give the earlier one."""
    earlier = VoteChange(
        visitor_id=vote.visitor_id,
        message_id=vote.message_id,
        value=vote.value,
        voted=vote.changed,
        created=when,
    )
    if when < vote.changed:
        earlier.value, earlier.voted, earlier.created = value, when, vote.changed
    else:
        vote.value, vote.changed = value, when
    return earlier
