"""Make frames of every kind from the schema that site, page and documentation share, whole and broken ones."""

import json
import math
import random
import uuid
from collections.abc import Sequence

from msgspec import inspect

from chat import events

KINDS: list[inspect.StructType] = list(inspect.type_info(events.ClientFrame).types)
TEXTS = (
    "", "hello", "count to 3", " \n\t ", "a\0b", "漢字", "🦜" * 50, "x" * 20_000, "\u202e", "<image> </s> [INST]",
    "'; DROP TABLE chat_message; --", "{}", "[[[[[[", '"', "\\", "\ufeff", "e\u0301" * 40,
)  # fmt: skip
NUMBERS = (
    0,
    -1,
    1,
    2**31,
    2**63,
    2**64,
    -(2**70),
    10**400,
    0.5,
    1e308,
    -1e-320,
    math.nan,
    math.inf,
    -math.inf,
)
DEPTH = 20_000


class Frames:
    """A stream of frames, always the same for a seed; `ids` are those of real things, `models` their names."""

    def __init__(self, seed: str, ids: Sequence[str] = (), models: Sequence[str] = ()) -> None:
        self._random = random.Random(seed)
        self.ids = list(ids)
        self._models = list(models)

    def next(self) -> str | bytes:
        """Give one frame as it goes over the wire."""
        kind = self._random.choice(KINDS)
        frame = self._struct(kind)
        if self._random.random() < 0.3:
            return json.dumps(frame)
        return self._random.choice(BREAK)(self, frame)

    # By the schema

    def _struct(self, kind: inspect.StructType) -> dict:
        frame = {kind.tag_field: kind.tag} if kind.tag_field else {}
        for field in kind.fields:
            if field.required or self._random.random() < 0.5:
                frame[field.name] = self._value(field.type, field.name)
        return frame

    def _value(self, kind: inspect.Type, name: str = "") -> object:
        draw = self._random
        match kind:
            case inspect.StructType():
                return self._struct(kind)
            case inspect.UnionType():
                return self._value(draw.choice(kind.types), name)
            case inspect.NoneType():
                return None
            case inspect.UUIDType():
                if self.ids and name != "client_id" and draw.random() < 0.7:
                    return draw.choice(self.ids)
                return str(uuid.UUID(int=draw.getrandbits(128)))
            case inspect.StrType():
                if name == "model" and self._models:
                    return draw.choice(self._models)
                return draw.choice(TEXTS) or "x"
            case inspect.IntType():
                return draw.choice((kind.ge or 0, kind.le or 1024, draw.randrange(5000)))
            case inspect.FloatType():
                return draw.choice((0, 0.7, 1, draw.random() * 3))
            case inspect.ListType():
                length = kind.max_length if draw.random() < 0.02 else draw.choice((0, 1, 2, 5))
                return [self._value(kind.item_type) for _ in range(length or 0)]
        raise TypeError(kind)

    # Against it

    def _place(self, frame: dict) -> tuple[dict, str]:
        """Give an object inside a frame and the name of one of its fields."""
        inner = [value for value in frame.values() if isinstance(value, dict) and value]
        holder = self._random.choice([frame, *inner])
        return holder, self._random.choice(list(holder))

    def lacking(self, frame: dict) -> str:
        holder, name = self._place(frame)
        del holder[name]
        return json.dumps(frame)

    def of_a_wrong_type(self, frame: dict) -> str:
        holder, name = self._place(frame)
        holder[name] = self._random.choice((None, True, [], {}, "x", 1, [[]], {"type": "send"}))
        return json.dumps(frame)

    def with_a_number(self, frame: dict) -> str:
        holder, name = self._place(frame)
        holder[name] = self._random.choice(NUMBERS)
        return json.dumps(frame)  # NaN and Infinity as Python writes them, which is no JSON

    def with_a_text(self, frame: dict) -> str:
        holder, name = self._place(frame)
        holder[name] = self._random.choice(TEXTS)
        return json.dumps(frame, ensure_ascii=self._random.random() < 0.5)

    def with_a_lone_surrogate(self, frame: dict) -> str:
        holder, name = self._place(frame)
        holder[name] = self._random.choice(("\ud800", "a\udfff", "\ude00\ud83d"))
        return json.dumps(frame)

    def nested(self, frame: dict) -> str:
        holder, name = self._place(frame)
        holder[self._random.choice((name, "unknown"))] = "HERE"
        opening, closing = self._random.choice((("[", "]"), ('{"a":', "}")))
        depth = self._random.choice((20, 500, DEPTH // len(opening)))
        deep = opening * depth + self._random.choice(("1" + closing * depth, ""))
        return json.dumps(frame).replace('"HERE"', deep, 1)

    def unknown(self, frame: dict) -> str:
        frame[self._random.choice(("type", "extra", "__class__", ""))] = self._random.choice(("dance", 1, {}))
        return json.dumps(frame)

    def twice(self, frame: dict) -> str:
        text = json.dumps(frame)
        return text[:-1] + "," + text[1:]

    def cut(self, frame: dict) -> str:
        text = json.dumps(frame)
        return text[: self._random.randrange(len(text))]

    def scrambled(self, frame: dict) -> str:
        text = list(json.dumps(frame))
        for _ in range(self._random.randrange(1, 4)):
            text[self._random.randrange(len(text))] = chr(self._random.randrange(1, 0x300))
        return "".join(text)

    def binary(self, frame: dict) -> bytes:
        return self._random.choice(
            (json.dumps(frame).encode(), b"", b"\xff\xfe\0", self._random.randbytes(200))
        )

    def large(self, frame: dict) -> str:
        holder, name = self._place(frame)
        holder[name] = self._random.choice(("x", "漢")) * self._random.choice((49_999, 50_001, 70_000))
        return json.dumps(frame, ensure_ascii=False)

    def no_object(self, frame: dict) -> str:
        return self._random.choice(
            ("", "null", "[]", "1", '"open"', "[" * DEPTH, " ", "NaN", f"[{json.dumps(frame)}]")
        )


BREAK = [
    value
    for name, value in vars(Frames).items()
    if callable(value) and not name.startswith("_") and name != "next"
]
