"""Ask an OpenAI-compatible server which models it serves."""

import re

import msgspec

from .calls import decode, get_json
from .errors import WorkerHtml
from .protocols.openai_errors import refusal

# What people copy from examples along with the base.
_CALLS = re.compile(r"/(chat/completions|completions|models|responses|embeddings)/?$")


class _Model(msgspec.Struct):
    id: str


class _Models(msgspec.Struct):
    data: list[_Model]


def list_models(base_url: str, key: str, timeout: float) -> list[str]:
    """Return the names in `GET {base_url}/models`, in the server's order. Raises a WorkerError; may block."""
    answer = get_json(base_url.rstrip("/") + "/models", timeout, key, refusal)
    if answer.lstrip().startswith(b"<"):
        raise WorkerHtml("a web page instead of a list of models")
    # Some services give the list alone.
    alone = answer.lstrip().startswith(b"[")
    models = decode(answer, list[_Model]) if alone else decode(answer, _Models).data
    return [model.id for model in models]


def bases_of(url: str) -> list[str]:
    """Give the bases that somebody may have meant by an address, the likeliest first.

    As it was typed, without a call that was copied along, and with the `/v1` that most servers want.
    """
    base = _CALLS.sub("", url.rstrip("/"))
    return [base] if re.search(r"/v[0-9]+[a-z0-9]*(/|$)", base) else [base, base + "/v1"]
