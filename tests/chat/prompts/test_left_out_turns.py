"""Turns without a reply are left out, and messages without words are not."""

import pytest

from chat.prompts.families import FAMILIES
from chat.prompts.messages import Message, messages
from chat.prompts.render import Turn, render

BROKEN = [
    Turn("user", "first", images=2),
    Turn("assistant", " \n"),
    Turn("user", "unanswered", images=1),
    Turn("user", "second", images=1),
    Turn("assistant", "\n fine \n"),
    Turn("user", "third", images=1),
]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_turn_without_reply_text_leaves_no_trace(family):
    kept = [Turn("user", "second", images=1), Turn("assistant", "fine"), Turn("user", "third", images=1)]

    rendered = render(FAMILIES[family], None, BROKEN)

    assert rendered.prompt == render(FAMILIES[family], None, kept).prompt
    assert rendered.images == 2
    assert rendered.image_indexes == (3, 4)


def test_two_user_messages_never_follow_each_other():
    assert messages("Be brief.", BROKEN) == [
        Message("system", "Be brief."),
        Message("user", "second", (3,)),
        Message("assistant", "fine"),
        Message("user", "third", (4,)),
    ]


@pytest.mark.parametrize(
    ("family", "end"),
    [
        ("vicuna_v1", " USER: <image>\n ASSISTANT:"),
        ("llava_v0", "###Human: <image>\n###Assistant:"),
        ("v0_mmtag", "###Human: <Image><image></Image>###Assistant: Received.###Human: ###Assistant:"),
        ("mpt", "<|im_start|>user\n<image>\n<|im_end|><|im_start|>assistant\n"),
        ("internlm", "<s><|User|>:<image>\n<eoh>\n<|Bot|>:"),
        ("llama_2", "<</SYS>>\n\n<image>\n [/INST]"),
    ],
)
def test_an_image_without_words_is_a_closed_turn(family, end):
    rendered = render(FAMILIES[family], None, [Turn("user", "", images=1)])

    assert rendered.prompt.endswith(end)
    assert rendered.images == rendered.prompt.count("<image>") == 1


@pytest.mark.parametrize(
    "turns",
    [
        [],
        [Turn("user", "a"), Turn("assistant", "b")],
        [Turn("assistant", "b"), Turn("user", "a")],
        [Turn("user", "a"), Turn("assistant", "b"), Turn("assistant", "c"), Turn("user", "d")],
    ],
)
def test_impossible_orders_are_refused(turns):
    with pytest.raises(ValueError, match=r"must end with|answers no message"):
        render(FAMILIES["vicuna_v1"], None, turns)
    with pytest.raises(ValueError, match=r"must end with|answers no message"):
        messages(None, turns)
