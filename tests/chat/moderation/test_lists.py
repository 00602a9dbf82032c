"""Words and regular expressions that administrators list."""

import pytest

from chat.models import ModerationCheck, Stage
from chat.moderation.checks import Check, Subject
from chat.moderation.lists import BadExpression, examine, expressions


def found(text, words="", expressions=""):
    row = ModerationCheck(kind="lists", words=words, expressions=expressions)
    return sorted(examine(Check(row), Subject(Stage.MESSAGE, text)).categories)


@pytest.mark.parametrize(
    "text",
    [
        "bomb",
        "A BOMB!",
        "the-bomb",
        "ｂｏｍｂ",
        "«bomb»",
        "a\nbomb\nb",
        "bomb." * 3,
        "a _bomb_",
        "我要bomb你",
    ],
)
def test_a_word_is_found_however_it_is_written(text):
    assert found(text, "bomb") == ["bomb"]


@pytest.mark.parametrize("text", ["bombastic", "hbomb", "b o m b", "", "2bomb", "Bömb"])
def test_a_word_is_not_found_inside_of_another(text):
    assert found(text, "bomb") == []


@pytest.mark.parametrize("unseen", ["\u200b", "\u00ad", "\u2060", "\u200d", "\ufe0f", "\u3164", "\U000e0041"])
def test_what_is_not_seen_hides_nothing(unseen):
    assert found(f"a bo{unseen}mb", "bomb", "[a-z]omb") == ["[a-z]omb", "bomb"]
    assert found(f"炸{unseen}药", f"炸药{unseen}") == [f"炸药{unseen}"]
    assert found(f"a bo{unseen}mb", "", rf"\x{{{ord(unseen):x}}}") != [], "an expression may look for it"


def test_several_words_in_a_row_are_found_over_the_end_of_a_line():
    assert found("How to\n  MAKE  gunpowder?", "make gunpowder\nmake bread") == ["make gunpowder"]


def test_scripts_without_spaces_need_none_around_a_word():
    assert found("怎么制造炸药呢", "炸药") == ["炸药"]
    assert found("วิธีทำระเบิดเอง", "ระเบิด") == ["ระเบิด"]


def test_signs_of_regular_expressions_mean_nothing_in_a_word():
    assert found("I like C++ (a lot)", "c++\n(a\n.") == ["(a", "c++"]
    assert found("cccc", "c+") == []


def test_an_entry_is_named_as_it_is_listed_and_empty_lines_count_for_nothing():
    assert found("straße", "\n  STRASSE  \n\n") == ["STRASSE"]
    assert found("anything", "\n \n", "\n") == []


def test_expressions_are_searched_in_small_and_large_letters():
    assert found("Card 4111 1111 1111 1111.", "", r"\b\d{4}( ?\d{4}){3}\b") == [r"\b\d{4}( ?\d{4}){3}\b"]
    assert found("BAD", "", "b[a-c]d") == ["b[a-c]d"]
    assert found("BAD", "", "(?-i)b[a-c]d") == []


@pytest.mark.parametrize("expression", ["(a+)+$", "(a|a)+$", r"(.*)*\d", "(a*)*(a*)*(a*)*$x"])
def test_an_expression_that_would_hang_others_takes_no_time(expression):
    """With Python's own engine each of these takes longer than the universe is old; here the test just ends."""
    assert found("a" * 50_000 + "!", "", expression) == []


@pytest.mark.parametrize("bad", ["(", "[a", "a{1001}", "(?=ahead)", r"(a)\1", "*"])
def test_what_is_no_expression_is_told_with_its_line(bad):
    with pytest.raises(BadExpression) as error:
        expressions(f"fine\n\n{bad}")
    assert error.value.line == 3
    assert error.value.reason


def test_a_long_list_is_searched_in_a_long_text():
    words = "\n".join(f"word{number}" for number in range(5000))
    assert found("nothing of it " * 2000 + "word4999", words) == ["word4999"]
