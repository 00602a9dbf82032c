"""What a model thought before its answer is not sent back to it; the page folds the same."""

import pytest

from chat.prompts.families import FAMILIES
from chat.prompts.messages import messages
from chat.prompts.render import render
from chat.prompts.thinking import answer_in
from chat.prompts.turns import Turn


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        ("A cat.", "A cat."),
        ("<think>\nHm\n</think>\n\nA cat.", "A cat."),
        ("  <think>Hm</think> A cat. ", "A cat."),
        ("<think></think>A </think> cat.", "A </think> cat."),
        ("<think>\nnever done", ""),
        ("<think>Hm</think>", ""),
        ("Hm\n</think>\n\nA cat.", "A cat."),
        ("Write </think> at its end.", "Write </think> at its end."),
        ("A <think>cat</think>.", "A <think>cat</think>."),
    ],
)
def test_the_answer_is_what_follows_the_thoughts(reply, answer):
    assert answer_in(reply) == answer


def test_neither_prompts_nor_messages_hold_what_was_thought():
    turns = [
        Turn("user", "What?"),
        Turn("assistant", "<think>\nHm\n</think>\n\nA cat."),
        Turn("user", "Sure?"),
    ]
    assert [message.content for message in messages("", turns)] == ["", "What?", "A cat.", "Sure?"]
    prompt = render(FAMILIES["vicuna_v1"], None, turns).prompt
    assert "A cat." in prompt
    assert "Hm" not in prompt


def test_a_turn_that_is_all_thought_is_left_out():
    turns = [Turn("user", "What?"), Turn("assistant", "<think>Hm"), Turn("user", "Sure?")]
    assert [message.content for message in messages("", turns)] == ["", "Sure?"]
