"""Prompts of every layout and family, written out as the workers' own programs would build them."""

import pytest

from chat.prompts.families import FAMILIES
from chat.prompts.render import Turn, render

ONE = [Turn("user", "Hi")]
TWO = [Turn("user", "Hi"), Turn("assistant", "Hello."), Turn("user", "Why?")]
IMAGE = [Turn("user", "  What is it? ", images=1)]
LATER = [
    Turn("user", "What is it?", images=1),
    Turn("assistant", "A cat."),
    Turn("user", " And this? ", images=2),
]

VICUNA = (
    "A chat between a curious user and an artificial intelligence assistant. The assistant gives helpful, "
    "detailed, and polite answers to the user's questions."
)
LLAVA = (
    "A chat between a curious human and an artificial intelligence assistant. The assistant gives helpful, "
    "detailed, and polite answers to the human's questions."
)
MMTAG = (
    "A chat between a curious user and an artificial intelligence assistant. The assistant is able to "
    "understand the visual content that the user provides, and assist the user with a variety of tasks using "
    "natural language.The visual content will be provided with the following format: "
    "<Image>visual content</Image>."
)
LLAMA = (
    "You are a helpful, respectful and honest assistant. Always answer as helpfully as possible, while being "
    "safe.  Your answers should not include any harmful, unethical, racist, sexist, toxic, dangerous, or "
    "illegal content. Please ensure that your responses are socially unbiased and positive in nature.\n\nIf "
    "a question does not make any sense, or is not factually coherent, explain why instead of answering "
    "something not correct. If you don't know the answer to a question, please don't share false information."
)
LLAVA_LLAMA = (
    "You are a helpful language and vision assistant. You are able to understand the visual content that the "
    "user provides, and assist the user with a variety of tasks using natural language."
)
MPT = (
    "A conversation between a user and an LLM-based AI assistant. The assistant gives helpful and honest "
    "answers."
)
INTERNLM = (
    "A chat between a curious <|User|> and an <|Bot|>. The <|Bot|> gives helpful, detailed, and polite "
    "answers to the <|User|>'s questions.\n\n"
)


def chatml(system: str, *rest: str) -> str:
    return f"<|im_start|>system\n{system}<|im_end|>" + "".join(rest)


GOLDEN = [
    ("vicuna_v1", ONE, f"{VICUNA} USER: Hi ASSISTANT:", "</s>", 0),
    ("vicuna_v1", TWO, f"{VICUNA} USER: Hi ASSISTANT: Hello.</s>USER: Why? ASSISTANT:", "</s>", 0),
    ("vicuna_v1", IMAGE, f"{VICUNA} USER: <image>\nWhat is it? ASSISTANT:", "</s>", 1),
    ("llava_v1", ONE, f"{LLAVA} USER: Hi ASSISTANT:", "</s>", 0),
    (
        "llava_v1",
        LATER,
        f"{LLAVA} USER: <image>\nWhat is it? ASSISTANT: A cat.</s>"
        "USER: <image>\n<image>\n And this?  ASSISTANT:",
        "</s>",
        3,
    ),
    ("llava_v0", ONE, f"{LLAVA}###Human: Hi###Assistant:", "###", 0),
    ("llava_v0", TWO, f"{LLAVA}###Human: Hi###Assistant: Hello.###Human: Why?###Assistant:", "###", 0),
    ("llava_v0", IMAGE, f"{LLAVA}###Human: <image>\nWhat is it?###Assistant:", "###", 1),
    ("v0_mmtag", ONE, f"{MMTAG}###Human: Hi###Assistant:", "###", 0),
    (
        "v0_mmtag",
        LATER,
        f"{MMTAG}###Human: <Image><image></Image>###Assistant: Received.###Human: What is it?"
        "###Assistant: A cat.###Human: <image>\n<image>\n And this? ###Assistant:",
        "###",
        3,
    ),
    (
        "v1_mmtag",
        [Turn("user", "Compare.", images=2)],
        f"{MMTAG} USER: <Image><image></Image>\n<Image><image></Image> ASSISTANT: Received.</s>"
        "USER: Compare. ASSISTANT:",
        "</s>",
        2,
    ),
    ("llama_2", ONE, f"[INST] <<SYS>>\n{LLAMA}\n<</SYS>>\n\nHi [/INST]", "</s>", 0),
    (
        "llava_llama_2",
        TWO,
        f"[INST] <<SYS>>\n{LLAVA_LLAMA}\n<</SYS>>\n\nHi [/INST] Hello. </s><s>[INST] Why? [/INST]",
        "</s>",
        0,
    ),
    (
        "llava_llama_2",
        IMAGE,
        f"[INST] <<SYS>>\n{LLAVA_LLAMA}\n<</SYS>>\n\n<image>\nWhat is it? [/INST]",
        "</s>",
        1,
    ),
    ("plain", ONE, "Hi\n", None, 0),
    ("plain", IMAGE, "<image>\nWhat is it?\n", None, 1),
    ("plain", TWO, "Hi\nHello.\nWhy?\n", None, 0),
    (
        "mpt",
        TWO,
        chatml(
            MPT,
            "<|im_start|>user\nHi<|im_end|><|im_start|>assistant\nHello.<|im_end|>",
            "<|im_start|>user\nWhy?<|im_end|><|im_start|>assistant\n",
        ),
        "<|im_end|>",
        0,
    ),
    (
        "Hermes-2",
        IMAGE,
        chatml(
            "Answer the questions.",
            "<|im_start|>user\n<image>\nWhat is it?<|im_end|><|im_start|>assistant\n",
        ),
        "<|im_end|>",
        1,
    ),
    (
        "internlm2-chat",
        LATER,
        chatml(
            "You are an AI assistant whose name is InternLM (书生·浦语).",
            "<|im_start|>user\n<image>\nWhat is it?<|im_end|><|im_start|>assistant\nA cat.<|im_end|>",
            "<|im_start|>user\n<image>\n<image>\n And this? <|im_end|><|im_start|>assistant\n",
        ),
        "<|im_end|>",
        3,
    ),
    (
        "phi3-chat",
        IMAGE,
        "<|system|>\nYou are an AI assistant whose name is Phi-3.<|end|>"
        "<|user|>\n<image>\nWhat is it?<|end|><|assistant|>\n",
        "<|end|>",
        1,
    ),
    (
        "internlm",
        TWO,
        f"{INTERNLM}<s><|User|>:Hi<eoh>\n<|Bot|>:Hello.<eoa>\n<s><|User|>:Why?<eoh>\n<|Bot|>:",
        "<eoa>",
        0,
    ),
    ("internlm", IMAGE, f"{INTERNLM}<s><|User|>:<image>\nWhat is it?<eoh>\n<|Bot|>:", "<eoa>", 1),
    ("internvl_zh", TWO, " <human>: Hi <bot>: Hello.</s><human>: Why? <bot>:", "</s>", 0),
    ("internvl_zh", IMAGE, " <human>: <image>\nWhat is it? <bot>:", "</s>", 1),
]


@pytest.mark.parametrize(
    ("family", "turns", "prompt", "stop", "images"),
    GOLDEN,
    ids=[f"{row[0]}-{i}" for i, row in enumerate(GOLDEN)],
)
def test_a_conversation_renders_byte_for_byte(family, turns, prompt, stop, images):
    rendered = render(FAMILIES[family], None, turns)

    assert rendered.prompt == prompt
    assert rendered.stop == stop
    assert rendered.images == images
    assert rendered.image_indexes == tuple(range(images))


def test_every_family_has_a_golden_prompt():
    assert {row[0] for row in GOLDEN} == set(FAMILIES)
