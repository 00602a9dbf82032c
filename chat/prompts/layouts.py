"""Join messages into a prompt, one pure function per layout.

The layouts are those of `SeparatorStyle` in LLaVA's and InternVL's conversation.py. Each takes the family,
the system text and the messages' texts, which alternate user, assistant and end with the user's, and returns
the prompt with its open assistant turn. Where those programs would take an empty user text for an open turn,
it is a closed turn here: an image may come without words, and the number of turns must not depend on them.
"""

from collections.abc import Callable, Sequence

from .families import Family

Layout = Callable[[Family, str, Sequence[str]], str]


def _separators(family: Family) -> tuple[str, str]:
    """Return what follows user and assistant texts; a family without a second separator uses its first."""
    return family.sep, family.sep if family.sep2 is None else family.sep2


def single(family: Family, system: str, texts: Sequence[str]) -> str:
    """Write `role: text` with the same separator after every text."""
    turns = [f"{family.roles[i % 2]}: {text}{family.sep}" for i, text in enumerate(texts)]
    return f"{system}{family.sep}{''.join(turns)}{family.roles[1]}:"


def two(family: Family, system: str, texts: Sequence[str]) -> str:
    """Write `role: text` with a separator of its own after each side's texts."""
    ends = _separators(family)
    turns = [f"{family.roles[i % 2]}: {text}{ends[i % 2]}" for i, text in enumerate(texts)]
    return f"{system}{family.sep}{''.join(turns)}{family.roles[1]}:"


def mpt(family: Family, system: str, texts: Sequence[str]) -> str:
    """Write role and text without anything between; the role strings hold their own marks (ChatML)."""
    turns = [f"{family.roles[i % 2]}{text}{family.sep}" for i, text in enumerate(texts)]
    return f"{system}{family.sep}{''.join(turns)}{family.roles[1]}"


def llama_2(family: Family, system: str, texts: Sequence[str]) -> str:
    """Write user texts between [INST] marks, the system text inside the first; the open turn adds nothing."""
    ends = _separators(family)
    parts = []
    for i, text in enumerate(texts):
        if i == 0 and system:
            text = f"<<SYS>>\n{system}\n<</SYS>>\n\n{text}"
        parts.append(f"{ends[0]}[INST] {text} [/INST]" if i % 2 == 0 else f" {text} {ends[1]}")
    # The tokenizer adds the first mark itself; those programs strip characters here, not a prefix.
    return "".join(parts).lstrip(family.sep)


def plain(family: Family, system: str, texts: Sequence[str]) -> str:
    """Write the texts without role names; the open turn adds nothing."""
    ends = _separators(family)
    return system + "".join(f"{text}{ends[i % 2]}" for i, text in enumerate(texts))


def chatintern(family: Family, system: str, texts: Sequence[str]) -> str:
    """Write `role:text` with an end token and a line end, and <s> before each user message."""
    ends = _separators(family)
    turns = [
        f"{'<s>' if i % 2 == 0 else ''}{family.roles[i % 2]}:{text}{ends[i % 2]}\n"
        for i, text in enumerate(texts)
    ]
    return f"{system}{''.join(turns)}{family.roles[1]}:"


# The rule is that of `two`; the layout keeps its name because families and administrators' settings use it.
internvl_zh = two

# What stands between the open assistant turn and the reply's text, as between any reply's role and text.
BEFORE_REPLY: dict[str, str] = {
    "single": " ",
    "two": " ",
    "mpt": "",
    "llama_2": " ",
    "plain": "",
    "chatintern": "",
    "internvl_zh": " ",
}

LAYOUTS: dict[str, Layout] = {
    "single": single,
    "two": two,
    "mpt": mpt,
    "llama_2": llama_2,
    "plain": plain,
    "chatintern": chatintern,
    "internvl_zh": internvl_zh,
}
