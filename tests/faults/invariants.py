"""What the site promises after every fault, I1 to I5, as assertions.

I1: a message is committed before a worker is called. I2: a reply reaches exactly one final state, in time.
I3: a client holds the text that the database holds. I4: no words of a worker or of Python reach a visitor, and no
row stays live. I5: memory, descriptors and places at workers return to where they were.
"""

import json
import uuid
from typing import NamedTuple

import psutil
import psycopg

from chat.failures import WORDS
from tests.running import Site, wait_until
from tests.visitor import FINAL, Page

ENDED_WITHIN = 10.0  # seconds after a fault is noticed
_INNARDS = (
    "Traceback",
    "aiohttp",
    "psycopg",
    "sqlite3",
    "Exception",
    "http://",
    "NETWORK ERROR",
    "error_code",
)


class Stored(NamedTuple):
    state: str
    text: str
    error_code: str
    worker: str


class Books:
    """A site's rows, read from outside it, in whichever database it keeps them."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._url = site.environment.get("DATABASE_URL", "")

    def rows(self, sql: str, *values) -> list[tuple]:
        """Read rows; `?` stands for values, which may be UUIDs."""
        if not self._url.startswith("postgres"):
            return self._site.rows(sql, *(_key(value) for value in values))
        with psycopg.connect(self._url, autocommit=True) as connection:
            return connection.execute(sql.replace("?", "%s"), values).fetchall()

    def reply(self, reply: str) -> Stored:
        [row] = self.rows(
            "SELECT state, text, error_code, worker FROM chat_message WHERE id = ?", uuid.UUID(reply)
        )
        return Stored(*row)

    def count(self, client_id: str) -> int:
        """Count the messages that carry a client id."""
        return self.rows("SELECT count(*) FROM chat_message WHERE client_id = ?", uuid.UUID(client_id))[0][0]

    def live(self) -> list[tuple]:
        return self.rows("SELECT id, state FROM chat_message WHERE state IN ('queued', 'streaming')")


def _key(value):
    return value.hex if isinstance(value, uuid.UUID) else value


def assert_promises(books: Books, page: Page, accepted: dict) -> Stored:
    """Hold I1 to I4 for one message and the page that has seen its reply end; give the reply's row."""
    assert_committed(books, accepted)
    stored = assert_ended(books, accepted["reply"])
    assert_one_end(page, accepted["reply"])
    assert_same_text(books, page, accepted["reply"])
    assert_nothing_leaks(page)
    return stored


def assert_committed(books: Books, accepted: dict) -> None:
    """I1: what was accepted is stored. (That it is so before the worker's call: test_worker_calls.py.)"""
    role = "SELECT role FROM chat_message WHERE id = ?"
    assert books.rows(role, uuid.UUID(accepted["message"])) == [("user",)]


def assert_ended(books: Books, reply: str, seconds: float = ENDED_WITHIN) -> Stored:
    """I2: a reply is in a final state in time; give the row."""
    wait_until(lambda: books.reply(reply).state in FINAL, seconds, f"the end of reply {reply}")
    return books.reply(reply)


def assert_one_end(page: Page, reply: str) -> None:
    """I2: a page hears of one final state only."""
    told = {info["state"] for frame in page.frames for info in _told_of(frame, reply)}
    assert len(told & FINAL) == 1, told


def assert_same_text(books: Books, page: Page, reply: str) -> None:
    """I3: what the client holds is what the database holds, and it came without a gap."""
    held, stored = page.messages[reply], books.reply(reply)
    assert (held["state"], held["text"]) == (stored.state, stored.text)
    assert (held["failure"] or {}).get("code", "") == stored.error_code
    assert page.gaps == 0


def assert_nothing_leaks(page: Page) -> None:
    """I4: a visitor reads words for visitors only, none of a worker's or of Python's."""
    for frame in page.frames:
        text = json.dumps(frame, ensure_ascii=False)
        assert not [word for word in _INNARDS if word in text], text
        for failure in filter(None, (info["failure"] for info in _told_of(frame))):
            words = WORDS[failure["code"]]
            assert (failure["text"], failure["retry"]) == (str(words.text), words.retry)


def _told_of(frame: dict, reply: str | None = None) -> list[dict]:
    """Give what a frame says of replies, or of one of them."""
    match frame["type"]:
        case "state":
            return [frame] if reply in (None, frame["message"]) else []
        case "message":
            infos = [frame["message"]]
        case "conversation":
            infos = frame["messages"]
        case _:
            infos = []
    return [info for info in infos if reply in (None, info["id"])]


def assert_nothing_runs(books: Books, seconds: float = ENDED_WITHIN) -> None:
    """I4: no row stays live; I5: so every place at a worker is free."""
    wait_until(lambda: not books.live(), seconds, "the end of all replies")


class Resources:
    """I5: memory and file descriptors of a site's processes. Make one when the site has warmed up and is at rest."""

    SLACK_MEGABYTES = 15
    SLACK_DESCRIPTORS = 8

    def __init__(self, site: Site) -> None:
        self._site = site
        self.before = self.now()

    def now(self) -> tuple[float, int]:
        """Give megabytes and descriptors of all processes of the site together."""
        first = psutil.Process(self._site.process.pid)
        processes = [first, *first.children(recursive=True)]
        return (
            sum(process.memory_info().rss for process in processes) / 2**20,
            sum(process.num_fds() for process in processes),
        )

    def grown(self) -> float:
        """Give the megabytes by which the site has grown."""
        return self.now()[0] - self.before[0]

    def assert_returned(self, seconds: float = 20) -> None:
        memory, descriptors = self.before
        self._assert_at_most(memory * 1.1 + self.SLACK_MEGABYTES, descriptors, seconds)

    def assert_descriptors_returned(self, seconds: float = 60) -> None:
        """For what needs so much memory that the allocator keeps some of it for the next time."""
        self._assert_at_most(float("inf"), self.before[1], seconds)

    def _assert_at_most(self, memory: float, descriptors: float, seconds: float) -> None:
        most = (memory, descriptors * 1.1 + self.SLACK_DESCRIPTORS)
        try:
            wait_until(
                lambda: all(now <= limit for now, limit in zip(self.now(), most, strict=True)), seconds
            )
        except AssertionError:
            raise AssertionError(f"before {self.before}, now {self.now()}, at most {most} allowed") from None
