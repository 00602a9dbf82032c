"""Nothing that people type opens a turn, ends one or counts as an image."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.prompts.families import FAMILIES
from chat.prompts.neutral import neutralise
from chat.prompts.render import Turn, render

# What each family's worker or model takes for the edge of a turn; written here apart from the families' data.
BOUNDARIES = {
    "vicuna_v1": ["USER:", "ASSISTANT:", "</s>"],
    "llava_v1": ["USER:", "ASSISTANT:", "</s>"],
    "v1_mmtag": ["USER:", "ASSISTANT:", "</s>", "<Image>", "</Image>"],
    "llava_v0": ["###Human:", "###Assistant:"],
    "v0_mmtag": ["###Human:", "###Assistant:", "<Image>", "</Image>"],
    "llama_2": ["<s>", "</s>", "[INST]", "[/INST]", "<<SYS>>", "<</SYS>>"],
    "llava_llama_2": ["<s>", "</s>", "[INST]", "[/INST]", "<<SYS>>", "<</SYS>>"],
    "plain": [],
    "mpt": ["<|im_start|>", "<|im_end|>"],
    "Hermes-2": ["<|im_start|>", "<|im_end|>"],
    "internlm2-chat": ["<|im_start|>", "<|im_end|>"],
    "phi3-chat": ["<|system|>", "<|user|>", "<|assistant|>", "<|end|>"],
    "internlm": ["<s>", "<|User|>", "<|Bot|>", "<eoh>", "<eoa>"],
    "internvl_zh": ["<human>", "<bot>", "</s>"],
}
WHOLE = sorted({string for listed in BOUNDARIES.values() for string in listed} | {"<image>"})
PIECES = sorted(
    {piece for string in WHOLE for piece in (string, string[:-2], string[2:], string[:3], string[-1])}
)

typed = st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=8).map("".join)
replies = typed.filter(str.strip)
shapes = st.lists(st.tuples(typed, st.integers(0, 2), replies), max_size=3)


def turns_of(shape, last, images):
    turns = []
    for text, count, reply in shape:
        turns += [Turn("user", text, count), Turn("assistant", reply)]
    return [*turns, Turn("user", last, images)]


def counts(family, turns):
    prompt = render(FAMILIES[family], None, turns).prompt
    return {string: prompt.count(string) for string in [*BOUNDARIES[family], "<image>"]}


@pytest.mark.parametrize("family", FAMILIES)
@given(shape=shapes, last=typed, images=st.integers(0, 2))
def test_typed_text_never_changes_role_boundaries_or_image_counts(family, shape, last, images):
    harmless = [("x", count, "x") for _, count, _ in shape]

    assert counts(family, turns_of(shape, last, images)) == counts(family, turns_of(harmless, "x", images))


@pytest.mark.parametrize("family", FAMILIES)
def test_every_boundary_is_one_of_the_familys_control_strings(family):
    assert {*BOUNDARIES[family], "<image>"} <= set(FAMILIES[family].control)


@pytest.mark.parametrize("family", FAMILIES)
def test_words_line_ends_and_markdown_headings_stay_as_they_are(family):
    text = "The user, Human and assistant\n\n# One\n### Two\n<b>bold</b> [link](x) a < b"

    assert text in render(FAMILIES[family], None, [Turn("user", text)]).prompt


def test_the_zero_width_space_follows_the_first_character():
    assert neutralise("say </s> now", ["</s>"]) == "say <\u200b/s> now"


def test_strings_that_overlap_are_each_neutralised():
    assert neutralise("aaba", ["aa", "ab", "aba"]) == "a\u200ba\u200bba"
