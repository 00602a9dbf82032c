"""The words that the page's scripts say are those that the server translates."""

import re
from pathlib import Path

import pytest

from chat.words import page_words

SCRIPTS = Path(__file__).resolve().parents[2] / "static" / "js"
CALLS = re.compile(r"say\((?P<argument>[^()]*(?:\([^()]*\)[^()]*)*)\)")


def said() -> dict[str, set[str]]:
    """Give each name that a script says, with the placeholders it fills in, as far as they are named there."""
    names: dict[str, set[str]] = {}
    for path in SCRIPTS.rglob("*.js"):
        for call in CALLS.finditer(path.read_text()):
            name_part, _, values = call["argument"].partition("{")
            for name in re.findall(r'"(\w+)"', name_part):
                names.setdefault(name, set()).update(re.findall(r"(\w+)\s*[:,}]", values + "}"))
    return names


def test_every_phrase_that_a_script_says_has_words():
    assert set(said()) - set(page_words()) == set()


def test_no_phrase_is_translated_that_no_script_says():
    assert set(page_words()) - set(said()) == set()


@pytest.mark.parametrize(
    "name",
    ["too_long", "in_line", "in_line_seconds", "in_line_minutes", "variant", "uploading", "too_many_images"],
)
def test_the_placeholders_of_a_phrase_are_filled_in(name):
    assert set(re.findall(r"\{(\w+)\}", page_words()[name])) <= said()[name]
