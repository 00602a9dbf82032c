"""The tree that a conversation's messages form: its branches, and what stands beside each other."""

import uuid
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from chat.models import Message
from chat.models.conversations import LIVE_STATES


class Node(NamedTuple):
    """What of a message tells its place."""

    id: uuid.UUID
    parent: uuid.UUID | None
    created: datetime
    state: str


class Tree:
    """Which message follows which; no texts, so that a long conversation is cheap to look over."""

    def __init__(self, nodes: Iterable[Node]) -> None:
        """Take the nodes in the order of a conversation (`MessageQuerySet.in_order`)."""
        self._nodes = {node.id: node for node in nodes}
        self._children: defaultdict[uuid.UUID | None, list[uuid.UUID]] = defaultdict(list)
        for node in self._nodes.values():
            self._children[node.parent].append(node.id)

    def __contains__(self, message: uuid.UUID) -> bool:
        return message in self._nodes

    def siblings(self, message: uuid.UUID) -> list[uuid.UUID]:
        """Give the messages that follow what this one follows, itself among them."""
        return self._children[self._nodes[message].parent]

    def branch(self, leaf: uuid.UUID | None) -> list[uuid.UUID]:
        """Give the messages that led to `leaf`, the first one first, `leaf` last."""
        path = []
        while leaf is not None:
            path.append(leaf)
            leaf = self._nodes[leaf].parent
        return path[::-1]

    def newest_leaf(self, below: uuid.UUID | None = None) -> uuid.UUID | None:
        """Give the end of the branch of the newest message, of all or of those below `below`; None of nothing."""
        found = [self._nodes[below]] if below else []
        waiting = list(self._children[below])
        while waiting:
            message = waiting.pop()
            found.append(self._nodes[message])
            waiting += self._children[message]
        if not found:
            return None
        leaf = max(found, key=lambda node: node.created).id
        # Clocks may have been set back between a message and what follows it.
        while self._children[leaf]:
            leaf = self._children[leaf][-1]
        return leaf

    def live(self) -> list[uuid.UUID]:
        """Give the replies that wait or stream."""
        return [node.id for node in self._nodes.values() if node.state in LIVE_STATES]


def tree_of(conversation: uuid.UUID) -> Tree:
    """Read the tree of a conversation."""
    rows = Message.objects.filter(conversation_id=conversation).in_order()
    return Tree(Node(*row) for row in rows.values_list("pk", "parent_id", "created", "state"))
