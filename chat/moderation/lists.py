"""Words and regular expressions that administrators list. Nothing here can take long, whatever is listed.

Words are searched as they are, expressions by RE2, whose time is linear in the text and which knows no catastrophic
backtracking.
"""

import re
import unicodedata
from functools import lru_cache
from typing import Any

import re2

from chat.moderation.checks import Check, Finding, Subject

MOST_CATEGORY_CHARACTERS = 100
_OPTIONS = re2.Options()
_OPTIONS.log_errors = False
_OPTIONS.case_sensitive = False
# Scripts that put no space between words: what is listed is found inside of longer runs of letters there.
_SCRIPTS = r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_NO_SPACES = re.compile(f"[{_SCRIPTS}]")
# What makes a word longer. Not their letters, and no underscore: Markdown writes _words_ in italics.
_LETTER = rf"[^\W_{_SCRIPTS}]"
# Unicode's Default_Ignorable_Code_Point: nothing of it is seen, and words are split by it to hide them.
_UNSEEN = re.compile(
    r"[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    r"\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    r"\U000e0000-\U000e0fff]"
)


class BadExpression(Exception):
    """A line that is no regular expression of RE2, its number from 1, and what is wrong with it."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(reason)
        self.line = line
        self.reason = reason


def examine(check: Check, subject: Subject) -> Finding:
    """Name each entry that is found in the text, by itself."""
    text = normal(subject.text)
    found = [entry for entry, words in _words(check.row.words) if _has(text, words)]
    # As it was written, too: an expression may look for what is not seen.
    texts = {unicodedata.normalize("NFC", each) for each in (subject.text, _UNSEEN.sub("", subject.text))}
    found += [
        line
        for line, expression in expressions(check.row.expressions)
        if any(expression.search(each) for each in texts)
    ]
    names = frozenset(entry[:MOST_CATEGORY_CHARACTERS] for entry in found)
    return Finding(names, dict.fromkeys(names, 1.0), bool(names))


def normal(text: str) -> str:
    """Write what looks the same in the same way: width and shape of letters, large as small, one space, all seen."""
    return " ".join(unicodedata.normalize("NFKC", _UNSEEN.sub("", text)).casefold().split())


@lru_cache(64)
def _words(listed: str) -> tuple[tuple[str, str], ...]:
    lines = (line.strip() for line in listed.splitlines())
    return tuple((line, words) for line in lines if (words := normal(line)))


def _has(text: str, words: str) -> bool:
    """Tell whether `words` stand in `text`, not as a part of a longer word."""
    if words not in text:
        return False
    before, after = (
        "" if _NO_SPACES.match(end) or not end.isalnum() else side
        for end, side in ((words[0], f"(?<!{_LETTER})"), (words[-1], f"(?!{_LETTER})"))
    )
    return re.search(before + re.escape(words) + after, text) is not None


@lru_cache(64)
def expressions(listed: str) -> tuple[tuple[str, Any], ...]:
    """Give each line that is not empty with its compiled expression. Raises `BadExpression`."""
    found = []
    for number, line in enumerate(listed.splitlines(), 1):
        if not line.strip():
            continue
        found.append((line.strip(), compiled(line.strip(), number)))
    return tuple(found)


def compiled(expression: str, line: int = 1) -> Any:
    """Compile one expression. Raises `BadExpression`."""
    try:
        return re2.compile(expression, _OPTIONS)
    except re2.error as error:
        reason = error.args[0] if error.args else ""
        told = reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
        raise BadExpression(line, told) from None
