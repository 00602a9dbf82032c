"""Logs as other servers write them, of what visitors drawn by hypothesis do."""

import json

from hypothesis import strategies as st

MODELS = ["llava-v1.5-7b", "InternVL-Chat-V1-5"]
BEGINNING = 1795345994.0

# Everything that JSON can hold, and what could be mistaken for something else.
texts = st.one_of(
    st.sampled_from(
        ["Hello", "Why?", "", "▌", "a▌", "<image>\n", "<image>\nWhat?", "What?\n<image>", "\0", "\ud800"]
    ),
    st.text(st.characters(categories=None), max_size=12),
)
replies = st.one_of(st.none(), texts)
md5s = st.integers(1, 3).map(lambda number: f"{number:032x}")
addresses = st.sampled_from(
    ["203.0.113.4", "203.0.113.5", "2001:db8::1", "unknown", "", None, ["203.0.113.4"], 3405803780]
)
steps = st.sampled_from(["ask", "ask", "ask", "regenerate", "upvote", "downvote", "flag", "clear"])


@st.composite
def lines(draw, visit, most=14):
    """Draw the lines of a log: some visitors' steps, one after the other."""
    visits = [visit(draw) for _ in range(draw(st.integers(1, 2)))]
    moment, found = BEGINNING, []
    for _ in range(draw(st.integers(1, most))):
        moment = round(moment + draw(st.sampled_from([0.0001, 7.5, 2500.0])), 4)
        found += draw(st.sampled_from(visits)).step(draw(steps), moment)
    return found


class Visit:
    """One tab; a subclass knows what its server writes."""

    def __init__(self, draw):
        self.draw, self.turns = draw, []
        self.ip = draw(addresses)
        self.model = draw(st.sampled_from(MODELS))
        self.begin()

    def begin(self):
        self.turns = []

    def step(self, step, moment):
        if step == "clear":
            self.begin()
            return []
        if step == "ask":
            self.turns.append([self.ask(), self.draw(replies)])
            return self.chat(moment)
        if not self.turns:
            return []
        if step == "regenerate":
            self.turns[-1][1] = self.draw(replies)
            return self.chat(moment)
        return self.opinion(step, moment)

    def said(self, examples=()):
        roles = self.roles
        return [
            *examples,
            *([role, text] for turn in self.turns for role, text in zip(roles, turn, strict=True)),
        ]


class LlavaVisit(Visit):
    roles = ("USER", "ASSISTANT")

    def begin(self):
        super().begin()
        self.images = []
        self.examples = self.draw(st.sampled_from([[], [["USER", "Hi"], ["ASSISTANT", "Hello."]]]))

    def ask(self):
        text = self.draw(texts)
        names = self.draw(st.lists(md5s, max_size=2))
        self.images += names
        if len(names) == 1 and self.draw(st.booleans()):
            return f"{text}\n<image>"
        return "<image>\n" * len(names) + text

    def state(self):
        return {
            "system": "Be kind.",
            "roles": list(self.roles),
            "messages": self.said(self.examples),
            "offset": len(self.examples),
            "sep": " ",
            "sep2": self.draw(st.sampled_from(["</s>"])),
        }

    def chat(self, moment):
        start = moment - 0.05
        finish = self.draw(st.sampled_from([start, moment]))
        return [
            {
                "tstamp": moment, "type": "chat", "model": self.model, "start": start, "finish": finish,
                "state": self.state(), "images": list(self.images), "ip": self.ip,
            }
        ]  # fmt: skip

    def opinion(self, kind, moment):
        own = self.draw(st.sampled_from([{}, {}, {"images": self.images[:1]}, {"images": None}]))
        line = {"tstamp": moment, "type": kind, "model": self.model, "state": self.state(), "ip": self.ip}
        return [line | own]


class FastChatVisit(Visit):
    roles = ("<|user|>", "<|assistant|>")

    def begin(self):
        super().begin()
        self.images = []
        self.conv_id = f"{self.draw(st.integers(0, 2**64)):032x}"
        self.sees = self.draw(st.booleans())

    def ask(self):
        text = self.draw(texts)
        if not self.sees:
            return text
        names = self.draw(st.lists(md5s, max_size=2))
        self.images += names
        return [text, names] if names else text

    def state(self):
        state = {
            "template_name": "chatglm3",
            "system_message": "",
            "roles": list(self.roles),
            "messages": self.said(),
            "offset": 0,
            "conv_id": self.conv_id,
            "model_name": self.model,
        }
        return state | ({"has_csam_image": False} if self.sees else {})

    def chat(self, moment):
        return [
            {
                "tstamp": moment, "type": "chat", "model": self.model,
                "gen_params": {"temperature": 0.7, "top_p": 1.0, "max_new_tokens": 256},
                "start": moment - 0.05, "finish": moment, "state": self.state(), "ip": self.ip,
                "images": list(self.images),
            }
        ]  # fmt: skip

    def opinion(self, kind, moment):
        return [{"tstamp": moment, "type": kind, "model": self.model, "state": self.state(), "ip": self.ip}]


class BattleVisit(FastChatVisit):
    """Two models side by side."""

    def __init__(self, draw):
        self.right = FastChatVisit(draw)
        super().__init__(draw)

    def begin(self):
        super().begin()
        self.right.begin()
        self.right.sees = self.sees
        self.right.ip = self.ip if hasattr(self, "ip") else ""

    def chat(self, moment):
        self.right.turns = [[asked, "Or so."] for asked, _ in self.turns]
        self.right.images, self.right.ip = self.images, self.ip
        return [*super().chat(moment), *self.right.chat(moment)]

    def opinion(self, kind, moment):
        kind = {"upvote": "leftvote", "downvote": "bothbad_vote", "flag": "share"}[kind]
        names = self.draw(st.sampled_from([["", ""], [self.model, self.right.model], ["Model A", "Model B"]]))
        line = {
            "tstamp": moment, "type": kind, "models": names,
            "states": [self.state(), self.right.state()], "ip": self.ip,
        }  # fmt: skip
        return [line | ({"reason": self.draw(texts)} if self.draw(st.booleans()) else {})]


class StreamlitVisit(Visit):
    """The whole history again and again, and no times."""

    roles = ("user", "assistant")

    def ask(self):
        names = self.draw(st.lists(md5s, max_size=2))
        message = {"role": "user", "content": self.draw(texts)}
        return message | (
            {"filenames": [f"logs/serve_images/2024-07-01/{name}.jpg" for name in names]} if names else {}
        )

    def chat(self, moment):
        messages = []
        for asked, reply in self.turns:
            messages += [asked, {"role": "assistant", "content": reply or ""}]
        return [{"type": "chat", "model": self.model, "messages": messages}]

    def opinion(self, kind, moment):
        return self.chat(moment)


KINDS = {
    "llava": LlavaVisit,
    "fastchat": FastChatVisit,
    "battle": BattleVisit,
    "streamlit": StreamlitVisit,
}


def marks_match(line):
    """Tell whether each mark of a chat line's texts stands for an image: what visitors typed makes that a guess."""
    if line["type"] != "chat" or "images" not in line or "sep" not in line["state"]:
        return True
    return sum((text or "").count("<image>") for _, text in line["state"]["messages"][::2]) == len(
        line["images"]
    )


def write(path, found):
    path.write_text("".join(json.dumps(line) + "\n" for line in found))
    return path
