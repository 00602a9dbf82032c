"""Log lines as LLaVA and FastChat write them, of fifty visitors at a time who ask one to eight questions."""

import json
import random
from collections.abc import Iterator
from typing import Any

from benchmarks.prose import TEXT

BEGINNING = 1795345994.0
VISITORS = 50
PICTURES = 1000
_WORDS = TEXT.split()
_SYSTEM = (
    "A chat between a curious human and an artificial intelligence assistant. The assistant gives helpful, "
    "detailed, and polite answers to the human's questions."
)
_ROLES = ("USER", "ASSISTANT")


class _Visit:
    def __init__(self, chance: random.Random, address: str) -> None:
        self.chance, self.address = chance, address
        self.left = chance.choice((1, 2, 3, 5, 8))
        self.turns: list[tuple[str, str]] = []
        self.images: list[str] = []
        self.conversations = [f"{chance.getrandbits(128):032x}" for _ in range(2)]

    def ask(self, *, pictures: bool) -> None:
        self.left -= 1
        mark = ""
        if pictures and not self.turns and self.chance.random() < 0.5:
            self.images.append(f"{self.chance.randrange(PICTURES):032x}")
            mark = "<image>\n"
        self.turns.append((mark + self._text(12), self._text(60)))

    def messages(self, end: str = "") -> list[list[str]]:
        return [
            [role, text]
            for asked, reply in self.turns
            for role, text in zip(_ROLES, (asked, reply + end), strict=True)
        ]

    def _text(self, words: int) -> str:
        return " ".join(self.chance.choices(_WORDS, k=words))


def lines(kind: str, number: int, seed: int = 1) -> Iterator[str]:
    """Give at least so many lines, in the order of their times."""
    chance = random.Random(seed)
    moment, written = BEGINNING, 0
    visits: list[_Visit] = []
    while written < number:
        if len(visits) < VISITORS:
            visits.append(_Visit(chance, f"203.0.{chance.randrange(100)}.{chance.randrange(250)}"))
        visit = chance.choice(visits)
        moment = round(moment + chance.random(), 4)
        visit.ask(pictures=kind == "LLaVA")
        for line in _llava(visit, moment) if kind == "LLaVA" else _fastchat(visit, moment):
            yield json.dumps(line)
            written += 1
        if not visit.left:
            visits.remove(visit)


def _llava(visit: _Visit, moment: float) -> Iterator[dict[str, Any]]:
    state = {
        "system": _SYSTEM, "roles": _ROLES, "messages": visit.messages(), "offset": 0, "sep": " ", "sep2": "</s>",
    }  # fmt: skip
    start = round(moment - 1, 4)
    yield {
        "tstamp": moment, "type": "chat", "model": "llava-v1.5-7b", "start": start, "finish": start,
        "state": state, "images": visit.images, "ip": visit.address,
    }  # fmt: skip
    if visit.chance.random() < 0.25:
        kind = visit.chance.choice(("upvote", "downvote", "flag"))
        said = round(moment + 0.5, 4)
        yield {"tstamp": said, "type": kind, "model": "llava-v1.5-7b", "state": state, "ip": visit.address}


def _fastchat(visit: _Visit, moment: float) -> Iterator[dict[str, Any]]:
    models = ("vicuna-7b-v1.5", "qwen-7b-chat")
    states = [
        {
            "template_name": "vicuna_v1.1", "system_message": _SYSTEM, "roles": _ROLES,
            "messages": visit.messages(f" {side}"), "offset": 0, "conv_id": visit.conversations[side],
            "model_name": models[side],
        }
        for side in range(2)
    ]  # fmt: skip
    for side in range(2):
        yield {
            "tstamp": moment, "type": "chat", "model": models[side],
            "gen_params": {"temperature": 0.7, "top_p": 1.0, "max_new_tokens": 1024},
            "start": round(moment - 1, 4), "finish": moment, "state": states[side], "ip": visit.address, "images": [],
        }  # fmt: skip
    if visit.chance.random() < 0.5:
        kind = visit.chance.choice(("leftvote", "rightvote", "tievote", "bothbad_vote"))
        said = round(moment + 0.5, 4)
        yield {"tstamp": said, "type": kind, "models": ["", ""], "states": states, "ip": visit.address}
