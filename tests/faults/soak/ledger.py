"""What the visitors of a soak were told, and whether the site still holds every word of it."""

import hashlib
import io
import uuid
from collections import Counter
from dataclasses import dataclass, field

from PIL import Image

from tests.faults.invariants import Books
from tests.visitor import FINAL, Visitor

# What may be said to a frame or a request while something is broken; trying again can help.
PASSING = {"storage_unavailable", "images_busy", "model_gone"}
REFUSED = {
    "bad_form",
    "image_empty",
    "image_format",
    "image_missing",
    "image_side_too_long",
    "image_too_heavy",
    "image_too_many_pixels",
    "image_undecodable",
}


@dataclass
class Asked:
    """A `send`, `regenerate` or `continue`: sent again under its id until it is accepted."""

    frame: dict
    whole: str | None = None  # what a complete reply to it says
    part: str = ""  # what is in it in any case
    accepted: dict | None = None

    @property
    def client_id(self) -> str:
        return self.frame["client_id"]


@dataclass
class Ledger:
    """All that was asked for and answered."""

    asked: dict[str, Asked] = field(default_factory=dict)  # what was accepted, by reply
    ended: dict[str, tuple[str, str]] = field(default_factory=dict)  # state and text on screen, by reply
    votes: dict[str, str | None] = field(default_factory=dict)  # by reply
    flags: dict[str, str] = field(default_factory=dict)  # reasons by reply
    uploads: dict[str, tuple[Visitor, str]] = field(default_factory=dict)  # whose, and the MD5 of its pixels
    refused: Counter = field(default_factory=Counter)  # uploads, by error code
    passing: Counter = field(default_factory=Counter)  # what was refused and tried again, by error code
    lost: Counter = field(default_factory=Counter)  # connections, by close code or what came instead
    did: Counter = field(default_factory=Counter)  # what visitors did
    gaps: int = 0
    resumes: list[float] = field(default_factory=list)  # seconds from a lost connection to the text on screen

    def take_screen(self, messages: dict[str, dict]) -> None:
        """Note the replies that have ended on a screen; an end is never followed by another one."""
        for key, message in messages.items():
            if message["role"] == "assistant" and message["state"] in FINAL:
                shown = (message["state"], message["text"])
                assert self.ended.setdefault(key, shown) == shown

    def assert_kept(self, books: Books) -> Counter:
        """Hold everything against the database; give how replies ended."""
        self._assert_asked_once(books)
        ends = self._assert_same_text(books)
        self._assert_feedback(books)
        return ends

    def _assert_asked_once(self, books: Books) -> None:
        """Each accepted message is stored once, with its pictures, and has its replies, and nothing else is stored."""
        sent = [asked for asked in self.asked.values() if asked.frame["type"] == "send"]
        rows = books.rows(
            "SELECT m.client_id, m.id, m.text, (SELECT count(*) FROM chat_messageimage i WHERE i.message_id = m.id) "
            "FROM chat_message m WHERE m.role = 'user'"
        )
        assert sorted(rows) == sorted(
            (
                uuid.UUID(asked.client_id),
                uuid.UUID(asked.accepted["message"]),
                asked.frame["text"],
                len(asked.frame.get("images", ())),
            )
            for asked in sent
        )
        replies = books.rows("SELECT id, parent_id FROM chat_message WHERE role = 'assistant'")
        assert sorted(replies) == sorted(
            (uuid.UUID(reply), uuid.UUID(asked.accepted["message"])) for reply, asked in self.asked.items()
        )

    def _assert_same_text(self, books: Books) -> Counter:
        """Every reply has ended; it says what was asked for, and every screen showed just that."""
        stored = {
            str(key): (state, text, code)
            for key, state, text, code in books.rows(
                "SELECT id, state, text, error_code FROM chat_message WHERE role = 'assistant'"
            )
        }
        shown = {key: stored[key][:2] for key in self.ended}
        assert shown == self.ended
        for reply, asked in self.asked.items():
            state, text, code = stored[reply]
            assert state in FINAL
            assert (state in ("failed", "interrupted")) == bool(code)
            if asked.whole is not None:
                assert text == asked.whole if state == "complete" else asked.whole.startswith(text)
            assert state != "complete" or asked.part in text
        return Counter(f"{state} {code}".strip() for state, _, code in stored.values())

    def _assert_feedback(self, books: Books) -> None:
        votes = books.rows("SELECT message_id, value FROM feedback_vote")
        assert {str(reply): value for reply, value in votes} == {
            reply: value for reply, value in self.votes.items() if value
        }
        flags = books.rows("SELECT message_id, reason FROM feedback_flag")
        assert {str(reply): reason for reply, reason in flags} == self.flags

    def assert_served(self, url: str) -> None:
        """Each upload is there, pixel for pixel."""
        for key, (visitor, md5) in self.uploads.items():
            answer = visitor.http.get(f"{url}/images/{key}/", timeout=30)
            assert answer.status_code == 200, (key, answer.status_code)
            assert pixels_md5(Image.open(io.BytesIO(answer.content))) == md5


def pixels_md5(picture: Image.Image) -> str:
    return hashlib.md5(picture.convert("RGB").tobytes()).hexdigest()
