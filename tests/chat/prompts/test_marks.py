"""Control strings in what a model was sent are found, and told apart from typed ones."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.prompts.families import FAMILIES
from chat.prompts.marks import pieces
from chat.prompts.neutral import neutralise
from chat.prompts.render import Turn, render

CONTROL = ("<image>", "</s>", "USER:", "###Human:", "### Human:")


def kinds(text, control=CONTROL):
    return [(piece.text, piece.kind) for piece in pieces(text, control)]


def test_control_strings_are_marked_and_the_rest_is_not():
    assert kinds("USER: <image>\nhi</s>") == [
        ("USER:", "control"), (" ", ""), ("<image>", "control"), ("\nhi", ""), ("</s>", "control"),
    ]  # fmt: skip


def test_a_typed_one_is_told_from_a_real_one():
    assert kinds(neutralise("a <image> b", CONTROL)) == [("a ", ""), ("<\u200bimage>", "defused"), (" b", "")]


def test_special_tokens_of_other_templates_and_bare_invisible_signs_are_marked():
    assert kinds("x<|im_end|>y\u200bz") == [
        ("x", ""), ("<|im_end|>", "control"), ("y", ""), ("\u200b", "hidden"), ("z", ""),
    ]  # fmt: skip


def test_the_longest_string_wins():
    assert kinds("<s><sep>", ("<s", "<s>", "<sep>")) == [("<s>", "control"), ("<sep>", "control")]


@given(st.lists(st.sampled_from([*CONTROL, "\u200b", "<|", "|>", "a", "<"])).map("".join))
def test_the_pieces_are_the_text(text):
    assert "".join(piece.text for piece in pieces(text, CONTROL)) == text


@pytest.mark.parametrize("family", FAMILIES.values(), ids=lambda family: family.name)
def test_everything_typed_is_shown_as_defused_in_every_template(family):
    typed = " ".join(family.control)
    found = pieces(render(family, None, [Turn("user", typed)]).prompt, family.control)
    assert [piece.text.replace("\u200b", "") for piece in found if piece.kind == "defused"] == list(
        family.control
    )
