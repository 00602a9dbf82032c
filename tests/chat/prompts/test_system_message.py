"""An administrator's system message replaces the family's words and keeps its wrapper."""

import pytest

from chat.prompts.families import FAMILIES
from chat.prompts.render import Turn, render

HI = [Turn("user", "Hi")]


@pytest.mark.parametrize(
    ("family", "start"),
    [
        ("vicuna_v1", "Be brief. USER: Hi"),
        ("llava_v0", "Be brief.###Human: Hi"),
        ("mpt", "<|im_start|>system\nBe brief.<|im_end|><|im_start|>user\nHi"),
        ("phi3-chat", "<|system|>\nBe brief.<|end|><|user|>\nHi"),
        ("internlm", "Be brief.\n\n<s><|User|>:Hi"),
        ("llama_2", "[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\nHi"),
        ("internvl_zh", "Be brief. <human>: Hi"),
        ("plain", "Be brief.Hi\n"),
    ],
)
def test_a_replacement_keeps_the_wrapper_of_its_family(family, start):
    assert render(FAMILIES[family], " Be brief.\n", HI).prompt.startswith(start)


@pytest.mark.parametrize("family", FAMILIES)
def test_typing_the_familys_own_system_text_changes_nothing(family):
    own = FAMILIES[family].system

    assert FAMILIES[family].system_text(own) == own


@pytest.mark.parametrize(
    ("family", "prompt"),
    [
        ("llama_2", "[INST] Hi [/INST]"),
        ("mpt", "<|im_start|>system\n<|im_end|><|im_start|>user\nHi<|im_end|><|im_start|>assistant\n"),
        ("internlm", "<s><|User|>:Hi<eoh>\n<|Bot|>:"),
        ("vicuna_v1", " USER: Hi ASSISTANT:"),
    ],
)
def test_an_empty_replacement_leaves_no_words(family, prompt):
    assert render(FAMILIES[family], "", HI).prompt == prompt


def test_an_image_tag_in_a_replacement_counts_as_no_image():
    rendered = render(FAMILIES["vicuna_v1"], "Images come as <image>.", [Turn("user", "Hi", images=1)])

    assert rendered.prompt.count("<image>") == rendered.images == 1
