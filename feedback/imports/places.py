"""Find where the states of log lines belong: the conversation, the turn that they go on from, the reply voted on.

States are cumulative and mostly nameless, so a turn is known by all that was said up to it, within a scope: the
conversation's id where the log has one, else address, system text and separators. Three hashes stand for that: of
all up to the visitor's text (`question`), of all up to the reply (`chain`), and of the images' names (`pictures`),
which votes lack.
"""

import datetime
import hashlib
import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db.models import F, Q, Window
from django.db.models.functions import RowNumber

from chat.models import Message
from feedback.imports.states import Said
from feedback.models import LogLine

# So long after a reply to a first message another one is another variant; later it begins a new conversation.
AGAIN = datetime.timedelta(minutes=30)
MOST_ALIKE = 20  # turns that ask the same, and those that got the same reply too; the newest are looked at
_CHUNK = 500


@dataclass(slots=True)
class Step:
    """Hold the hashes of one turn of a state."""

    question: uuid.UUID
    chain: uuid.UUID
    pictures: uuid.UUID | None


@dataclass(slots=True)
class Node:
    """Hold a reply that a log told of: its rows and what finds it. Without `kind` no line is its own."""

    message: uuid.UUID
    asked: uuid.UUID
    conversation: uuid.UUID
    position: int
    variant: int
    model: str
    when: datetime.datetime
    kind: str
    step: Step
    line: uuid.UUID

    def chain_is(self, step: Step) -> bool:
        return self.step.chain == step.chain

    def shows(self, step: Step) -> bool:
        return self.step.pictures == step.pictures


def steps(said: Said) -> list[Step]:
    """Give the hashes of each turn of a state."""
    chain = hashlib.blake2b(said.scope.encode("utf-8", "surrogatepass"), digest_size=16)
    pictures = hashlib.blake2b(digest_size=16)
    found = []
    for told in said.turns:
        text = told.text.encode()
        chain.update(b"%d %d %b" % (0 if said.is_bare else len(told.images), len(text), text))
        question = chain.digest()
        reply = told.reply.encode()
        chain.update(b"%d %d %b" % (told.complete, len(reply), reply))
        pictures.update(" ".join([*told.images, "\n"]).encode())
        found.append(
            Step(
                uuid.UUID(bytes=question),
                uuid.UUID(bytes=chain.digest()),
                uuid.UUID(bytes=pictures.digest()) if said.knows_images else None,
            )
        )
    return found


@dataclass(slots=True)
class Places:
    """Know the turns that the database and this batch hold of some states."""

    _nodes: dict[uuid.UUID, list[Node]] = field(default_factory=lambda: defaultdict(list))
    _variants: dict[uuid.UUID, int] = field(default_factory=lambda: defaultdict(int))
    _followed: set[uuid.UUID] = field(default_factory=set)

    def read(self, steps: Iterable[Step]) -> None:
        """Read what is stored of the turns with the questions of these."""
        chains: dict[uuid.UUID, set[uuid.UUID]] = defaultdict(set)
        for step in steps:
            chains[step.question].add(step.chain)
        wanted = list(chains)
        nodes = []
        for start in range(0, len(wanted), _CHUNK):
            part = wanted[start : start + _CHUNK]
            nodes += _stored(part, {chain for question in part for chain in chains[question]})
        for node in nodes:
            self._nodes[node.step.question].append(node)
        asked = list({node.asked for node in nodes})
        replies = list({node.message for node in nodes})
        for start in range(0, len(asked), _CHUNK):
            variants = Message.objects.filter(parent__in=asked[start : start + _CHUNK]).order_by()
            for parent, variant in variants.values_list("parent", "variant"):
                if parent:
                    self._variants[parent] = max(self._variants[parent], variant + 1)
        for start in range(0, len(replies), _CHUNK):
            children = Message.objects.filter(parent__in=replies[start : start + _CHUNK]).order_by()
            self._followed.update(filter(None, children.values_list("parent", flat=True)))

    def add(self, node: Node, follows: uuid.UUID | None) -> None:
        self._nodes[node.step.question].append(node)
        self._variants[node.asked] = max(self._variants[node.asked], node.variant + 1)
        if follows:
            self._followed.add(follows)

    def next_variant(self, asked: uuid.UUID) -> int:
        return self._variants[asked]

    def voted_on(self, said: Said, step: Step, when: datetime.datetime) -> Node | None:
        """Give the reply that a state ends with: the newest that is not younger than the vote."""
        if node := self._newest(step, when, with_pictures=False):
            return node
        if not said.name:
            return None
        # The conversation is known by its id: its servers' clocks may differ.
        alike = [node for node in self._nodes[step.question] if node.chain_is(step)]
        return min(alike, key=lambda node: node.when, default=None)

    def unclaimed(self, step: Step, when: datetime.datetime) -> Node | None:
        """Give the reply of which a later line told before its own line came."""
        alike = [
            node
            for node in self._nodes[step.question]
            if not node.kind and node.when >= when and node.chain_is(step) and node.shows(step)
        ]
        return min(alike, key=lambda node: node.when, default=None)

    def before(self, path: list[Step], when: datetime.datetime) -> tuple[int, Node | None]:
        """Give how many turns of a state are known but for the last one, and the reply that ends them."""
        for known in range(len(path) - 1, 0, -1):
            if node := self._newest(path[known - 1], when):
                return known, node
        return 0, None

    def same_question(self, said: Said, step: Step, when: datetime.datetime) -> Node | None:
        """Give the newest reply to the very question, if another one to it is another variant."""
        alike = [node for node in self._nodes[step.question] if node.when <= when and node.shows(step)]
        newest = max(alike, key=lambda node: node.when, default=None)
        if newest is None or said.name or len(said.turns) > 1:
            return newest
        is_again = (
            newest.model == said.model
            and newest.message not in self._followed
            and when - newest.when <= AGAIN
        )
        return newest if is_again else None

    def _newest(self, step: Step, when: datetime.datetime, with_pictures: bool = True) -> Node | None:
        alike = [
            node
            for node in self._nodes[step.question]
            if node.when <= when and node.chain_is(step) and (not with_pictures or node.shows(step))
        ]
        return max(alike, key=lambda node: node.when, default=None)


def _stored(questions: list[uuid.UUID], chains: Collection[uuid.UUID]) -> list[Node]:
    rows = (
        LogLine.objects.filter(question__in=questions)
        .annotate(
            rank=Window(RowNumber(), partition_by=F("question"), order_by=F("when").desc()),
            rank_of_chain=Window(RowNumber(), partition_by=F("chain"), order_by=F("when").desc()),
        )
        .filter(Q(rank__lte=MOST_ALIKE) | Q(rank_of_chain__lte=MOST_ALIKE, chain__in=chains))
        .values_list(
            "message", "message__parent", "message__conversation", "message__position", "message__variant",
            "message__model__name", "when", "kind", "question", "chain", "pictures", "id",
        )
    )  # fmt: skip
    return [_node(row) for row in rows]


def _node(row: Any) -> Node:
    message, asked, conversation, position, variant, model, when, kind, question, chain, pictures, line = row
    step = Step(question, chain, pictures)
    return Node(message, asked, conversation, position, variant, model, when, kind, step, line)
