"""Store a batch of log lines in one transaction: what is new of them becomes conversations, votes and flags."""

import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from django.db import connection, transaction

from chat.models import ChatModel, Conversation, Message
from feedback.imports.lines import VOTES, Line
from feedback.imports.opinions import Opinions
from feedback.imports.places import Places, Step, steps
from feedback.imports.rows import Rows, named, parts
from feedback.models import LogLine

_LOCK = 0x6D6D696D  # one import at a time, on PostgreSQL; SQLite has one writer

Problem = Callable[[Line, str], None]


class Importer:
    """Store batches of lines; `report` hears of each that found no place."""

    def __init__(self, report: Problem) -> None:
        self._report = report
        self._models: dict[str, int] = {}
        self._shapes: dict[str, uuid.UUID] = {}
        self.counts: Counter[str] = Counter()

    def store(self, lines: Sequence[Line], images: Mapping[str, int]) -> None:
        """Store a batch, but for what is there already; `images` are the ids of the pictures that its lines name."""
        self._know_models({said.model for line in lines for said in line.states})
        with transaction.atomic():
            if connection.vendor == "postgresql":
                with connection.cursor() as cursor:
                    cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
            self._store(self._new(lines), images)

    def _know_models(self, names: set[str]) -> None:
        unknown = names - self._models.keys()
        if unknown:
            ChatModel.objects.add_last(unknown)
            self._models |= ChatModel.objects.filter(name__in=unknown).values_list("name", "pk")

    def _new(self, lines: Sequence[Line]) -> list[Line]:
        """Leave out lines that are stored, or twice in the batch, or this site's own."""
        known: set[uuid.UUID] = set()
        for part in parts([line.key for line in lines]):
            known.update(LogLine.objects.filter(pk__in=part).values_list("pk", flat=True))
        for part in parts([line.own_message for line in lines if line.own_message]):
            known.update(Message.objects.filter(pk__in=part).values_list("pk", flat=True))
        new = []
        for line in lines:
            if line.key in known or line.own_message in known:
                self.counts["repeated"] += 1
            else:
                known.add(line.key)
                new.append(line)
        return new

    def _store(self, lines: Sequence[Line], images: Mapping[str, int]) -> None:
        paths = {line.key: [steps(said) for said in line.states] for line in lines}
        wanted = [step for states in paths.values() for path in states for step in path]
        wanted += [steps(said.bare())[-1] for line in lines for said in line.states if said.has_marks]
        places, opinions = Places(), Opinions()
        places.read(wanted)
        rows = Rows(self._models, self._shapes, images, _stored_conversations(lines))
        for line in lines:
            if line.kind == "chat":
                self._place_chat(line, paths[line.key][0], places, rows)
                self.counts["chats"] += 1
            else:
                self._place_opinion(line, paths[line.key], places, rows, opinions)
        rows.write()
        opinions.write()
        self.counts["conversations"] += len(rows.conversations)

    def _place_chat(self, line: Line, path: list[Step], places: Places, rows: Rows) -> None:
        said, when, end = line.states[0], line.when, len(path) - 1
        if told := places.unclaimed(path[end], when):
            rows.claim(line, told)
            return
        same = places.same_question(said, path[end], when)
        known, last = places.before(path, when)
        if same and (last is None or known < end or same.when >= last.when):
            conversation = rows.touch(same.conversation, line)
            variant = places.next_variant(same.asked)
            node = rows.reply(line, end, path[end], conversation, same.asked, same.position, variant)
            places.add(node, None)
            return
        conversation = rows.touch(last.conversation, line) if last else rows.begin(line)
        for place in range(known, end + 1):
            asked = rows.question(line, place, conversation, last)
            position = last.position + 2 if last else 1
            node = rows.reply(line, place, path[place], conversation, asked, position, 0)
            places.add(node, last.message if last else None)
            last = node

    def _place_opinion(
        self, line: Line, paths: list[list[Step]], places: Places, rows: Rows, opinions: Opinions
    ) -> None:
        nodes = [
            places.voted_on(said, path[-1], line.when) for said, path in zip(line.states, paths, strict=True)
        ]
        if nodes == [None] and line.states[0].has_marks:
            bare = line.states[0].bare()
            nodes = [places.voted_on(bare, steps(bare)[-1], line.when)]
            line.keep_messages()
        found = [node for node in nodes if node]
        if len(found) < len(nodes):
            side = f" of model {'ab'[nodes.index(None)]}" if len(nodes) == 2 else ""
            self._report(line, f"no chat line before it has the messages{side}, from this address")
            return
        rows.line(line, *found)
        if line.kind in VOTES:
            visitor = rows.visitor(line, found[0].conversation)
            opinions.add(line.kind, visitor, found[0].message, line.when)
            self.counts["votes" if line.kind != "flag" else "flags"] += 1
        else:
            self.counts["battles"] += 1


def _stored_conversations(lines: Sequence[Line]) -> set[uuid.UUID]:
    """Give those of the conversations that these lines name which are stored."""
    wanted = {pk for line in lines if line.kind == "chat" for said in line.states if (pk := named(said))}
    found: set[uuid.UUID] = set()
    for part in parts(list(wanted)):
        found.update(Conversation.objects.filter(pk__in=part).values_list("pk", flat=True))
    return found
