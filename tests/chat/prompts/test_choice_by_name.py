"""A model's name chooses its prompt family and its protocol."""

import pytest

from chat.prompts.families import FAMILIES, choose_family, choose_protocol


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("llava-llama-2-13b-chat", "llava_llama_2"),
        ("LLaVA_Llama_2_7b", "llava_llama_2"),
        ("llava-v1-0719-mmtag", "v1_mmtag"),
        ("llava-v1.5-7b-plain", "v1_mmtag"),
        ("llava-v1.5-7b-plain-finetune", "llava_v1"),
        ("llava-v1.6-mistral-7b", "llava_v1"),
        ("llava-mpt-7b", "mpt"),
        ("llava-v1-mpt", "llava_v1"),
        ("LLaVA-7b-mmtag-v0", "v0_mmtag"),
        ("llava-13b-plain", "v0_mmtag"),
        ("LLaVA-13b-v0", "llava_v0"),
        ("InternVL-Chat-V1-1", "internvl_zh"),
        ("internvl_chat_v1_1", "internvl_zh"),
        ("Mini-InternVL-Chat-4B-V1-5", "phi3-chat"),
        ("InternVL-phi_3", "phi3-chat"),
        ("InternVL-Chat-V1-2-Plus", "Hermes-2"),
        ("intern-yi_34b", "Hermes-2"),
        ("InternVL-Qwen2-8B", "Hermes-2"),
        ("InternVL-Chat-V1-5", "internlm2-chat"),
        ("internlm-xcomposer", "internlm2-chat"),
        ("InternVL-14B-224px", "llava_v1"),
        ("mpt-7b-chat", "mpt"),
        ("Llama-2-7b", "llama_2"),
        ("vicuna-13b", "vicuna_v1"),
        ("", "vicuna_v1"),
    ],
)
def test_the_first_matching_rule_names_the_family(name, family):
    assert choose_family(name) == family
    assert family in FAMILIES


@pytest.mark.parametrize(
    ("name", "protocol"),
    [
        ("InternVL2-8B", "internvl2"),
        ("InternVL2_5-78B", "internvl2"),
        ("intern-vl_2-1b", "internvl2"),
        ("internvl3-2b", "internvl2"),
        ("InternVL-Chat-V1-5", "llava"),
        ("my-InternVL2-8B", "llava"),
        ("llava-v1.5-7b", "llava"),
    ],
)
def test_internvl_2_and_3_speak_their_own_protocol(name, protocol):
    assert choose_protocol(name) == protocol
