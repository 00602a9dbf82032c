"""A chat model as a guard: it is asked what it thinks of a text, and its answer is read by regular expressions.

The presets follow the public model cards of Llama Guard 3 (meta-llama/Llama-Guard-3-8B: its chat template asks the
question, the answer is `safe`, or `unsafe` and a line of categories) and of ShieldGemma (google/shieldgemma-2b: the
prompt names the policies, the answer begins with Yes or No).
"""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass

from chat.generation.context import Context, ContextError, build
from chat.generation.direct import Build, Place, ask, worker_at
from chat.images.preprocess import JPEG, UNCHANGED, sent_file
from chat.models import Image, Stage
from chat.moderation.checks import Check, Finding, Subject, Unavailable
from chat.moderation.lists import compiled
from chat.prompts.messages import Message
from chat.prompts.neutral import IMAGE, neutralise
from chat.prompts.thinking import answer_in
from chat.prompts.turns import Turn
from chat.workers.errors import WorkerError
from chat.workers.protocols import Chunk, GenerationRequest

UNSAFE = "unsafe"  # the category of an answer that names none
MOST_CATEGORIES = 50
_FIELDS = re.compile(r"\{(text|question)\}")
# With these a visitor could end the guard's question and write its answer; servers read them in what is quoted, too.
_CONTROL = (
    IMAGE, "<|", "<start_of_turn>", "<end_of_turn>", "<bos>", "<eos>", "<s>", "</s>", "[INST]", "[/INST]",
)  # fmt: skip

_POLICIES = """\
* "No Dangerous Content": The {what} shall not contain or seek generation of content that harms oneself and/or \
others (e.g., accessing or building firearms and explosive devices, promotion of terrorism, instructions for suicide).
* "No Harassment": The {what} shall not contain or seek generation of content that is malicious, intimidating, \
bullying, or abusive content targeting another individual (e.g., physical threats, denial of tragic events, \
disparaging victims of violence).
* "No Hate Speech": The {what} shall not contain or seek generation of content that targets identity and/or protected \
attributes (e.g., racial slurs, promotion of discrimination, calls to violence against protected groups).
* "No Sexually Explicit Information": The {what} shall not contain or seek generation of content that contains \
references to sexual acts, or other lewd content (e.g., content meant for arousal). Content that is scientific, \
educational, or artistic in nature is permitted."""


@dataclass(frozen=True)
class Preset:
    """How a known guard is asked, and how its answer is read."""

    label: str
    unsafe: str
    safe: str
    prompt: str = ""
    reply_prompt: str = ""


PRESETS = {
    "llama-guard-3": Preset(
        "Llama Guard 3", unsafe=r"^\s*unsafe\b\s*(S\d+(?:\s*,\s*S\d+)*)?", safe=r"^\s*safe\b"
    ),
    "shieldgemma": Preset(
        "ShieldGemma",
        unsafe=r"^\W*yes\b",
        safe=r"^\W*no\b",
        prompt=f"""\
You are a policy expert trying to help determine whether a user prompt is in violation of the defined safety policies.

<start_of_turn>
Human Question: {{text}}
<end_of_turn>

Our safety principle is defined in the below:

{_POLICIES.replace("{what}", "prompt")}

Does the human question violate the above principle? Your answer must start with 'Yes' or 'No'. And then walk through \
step by step to be sure we answer correctly.""",
        reply_prompt=f"""\
You are a policy expert trying to help determine whether an AI response to prompt is in violation of the defined \
safety policies.

<start_of_turn>
Human Question: {{question}}
<end_of_turn>

<start_of_turn>
Chatbot Response: {{text}}
<end_of_turn>

Our safety principle is defined in the below:

{_POLICIES.replace("{what} shall not contain or seek generation of", "chatbot shall not generate")}

Does the Chatbot Response violate the above principle? Your answer must start with 'Yes' or 'No'. And then walk \
through step by step to be sure we answer correctly.""",
    ),
}


def examine(check: Check, subject: Subject) -> Finding:
    """Ask the guard, and read what it answers."""
    if check.guard is None:
        raise Unavailable("no backend serves the guard now")
    try:
        answer = asyncio.run(_answer(check, check.guard, subject))
    except TimeoutError:
        raise Unavailable("the answer took too long") from None
    except (WorkerError, ContextError) as error:
        raise Unavailable(f"{error.code}: {error.detail}") from None
    return read(check, answer_in(answer))


def read(check: Check, answer: str) -> Finding:
    """Tell by the check's expressions what a guard's answer says. Raises `Unavailable` for one that fits neither."""
    if found := compiled(check.row.unsafe).search(answer):
        named = (found.group(1) or "") if found.re.groups else ""
        categories = frozenset(re.split(r"[\s,;]+", named.strip())[:MOST_CATEGORIES]) - {""}
        return Finding(categories or frozenset({UNSAFE}), flagged=True)
    if compiled(check.row.safe).search(answer):
        return Finding()
    raise Unavailable("the guard's answer fits neither expression")


async def _answer(check: Check, place: Place, subject: Subject) -> str:
    newest = Chunk("")

    def show(chunk: Chunk) -> None:
        nonlocal newest
        newest = chunk

    async with asyncio.timeout(check.row.timeout):
        worker = await worker_at(place)
        await ask(place, worker, _build(check, place, subject), show, check.row.timeout)
    return newest.text


def _build(check: Check, place: Place, subject: Subject) -> Build:
    row = check.row
    is_reply = subject.stage == Stage.REPLY
    prompt = (row.reply_prompt if is_reply else "") or row.prompt
    values = {
        "text": neutralise(subject.text, _CONTROL),
        "question": neutralise(subject.question, _CONTROL),
    }
    if not prompt:
        asked = values["question" if is_reply else "text"]
        said = [
            Message("system", place.model.system_message),
            Message("user", asked, tuple(range(len(subject.images)))),
            *([Message("assistant", values["text"])] if is_reply else []),
        ]
        return lambda protocol, own: _conversation(
            row.answer_tokens, place, protocol.takes_messages, said, subject.images
        )
    filled = _FIELDS.sub(lambda found: values[found[1]], prompt)
    context = Context(
        model=place.model.name,
        template=place.template,
        system=place.model.system_message,
        turns=[Turn("user", filled, len(subject.images))],
        images=subject.images,
        parameters={
            "temperature": 0.0,
            "top_p": 1.0,
            "max_output_tokens": row.answer_tokens,
            "max_input_tiles": 1,
            "image_mode": UNCHANGED[0],
        },
        repetition_penalty=place.model.repetition_penalty,
    )
    return lambda protocol, own: build(context, protocol, own)


def _conversation(
    tokens: int, place: Place, takes_messages: bool, said: Sequence[Message], images: Sequence[Image]
) -> GenerationRequest:
    if not takes_messages:
        raise ContextError(
            "prompt_unknown", "this guard's server takes no conversation: give the check a prompt"
        )
    return GenerationRequest(
        model=place.model.name,
        prompt=list(said),
        images=[sent_file(image, JPEG) for image in images],
        temperature=0.0,
        top_p=1.0,
        max_new_tokens=tokens,
        repetition_penalty=place.model.repetition_penalty,
    )
