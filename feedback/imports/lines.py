"""Take log lines apart: what a line says, whose log it is of, and what of it many lines share.

The formats are those of `http_bot` and `vote_last_response` in LLaVA's and InternVL's gradio_web_server.py, of
`bot_response` and the votes of battles in FastChat's, and of `save_chat_history` in InternVL's Streamlit demo.
"""

import datetime
import hashlib
import json
import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from django.conf import settings

from chat.addresses import client_address, hash_of_text, keyed_hash
from feedback.exchange.logged import AFTER, FILE_NAMES, TIMES, fill
from feedback.imports.files import Entry, Unplaced
from feedback.imports.states import Said, short, states_of, storable
from feedback.models.logs import LogSource

VOTES = ("upvote", "downvote", "flag")
BATTLES = ("leftvote", "rightvote", "tievote", "bothbad_vote", "share")
KINDS = ("chat", *VOTES, *BATTLES)

# What a model and its template say; everything else is of this line, or unknown.
_SHARED = ("type", "model", "models", "gen_params")
_SHARED_OF_STATE = (
    "system", "roles", "offset", "sep", "sep2", "sep_style", "version",
    "template_name", "system_message", "model_name", "has_csam_image",
)  # fmt: skip
_OWN = (*TIMES, "ip", "images", "state", "states", "conversation_id")
_HASH = re.compile(r"[0-9a-f]{64}")
_MARK = "<image>"
_MOST_ID_CHARACTERS = 100


@dataclass(slots=True)
class Line:
    """Hold what one line says; `rest` is what stands in no other place, JSON."""

    entry: Entry
    source: LogSource
    kind: str
    states: list[Said]
    when: datetime.datetime
    times: dict[str, float | None]
    address: str  # as the site stores it; empty where it is none
    address_hash: str
    parameters: dict[str, Any]
    shape: str
    rest: dict[str, Any]
    key: uuid.UUID = field(default_factory=uuid.uuid4)
    own_message: uuid.UUID | None = None  # the id of the reply, where a site like this one wrote the line

    def keep_messages(self) -> None:
        """Keep the messages of the state as they are, beside what becomes of them."""
        messages = (self.entry.fields or {})["state"]["messages"]
        self.rest["state"] = self.rest.get("state", {}) | {"messages": messages}


def read(entry: Entry) -> Line:
    """Take a line apart. Raises `Unplaced` with the field that can't be what it is."""
    fields = entry.fields or {}
    kind = fields.get("type")
    if not isinstance(kind, str) or kind not in KINDS:
        raise Unplaced(f"type {short(kind)} is not known")
    source = _source(fields)
    is_streamlit = source == LogSource.STREAMLIT
    if is_streamlit and kind != "chat":
        raise Unplaced(f"type {kind} has no state")
    if (kind in BATTLES) != ("states" in fields):
        raise Unplaced(f"type {kind} has no {'states' if kind in BATTLES else 'state'}")
    times = {name: _time(fields, name) for name in TIMES}
    when = entry.file.day + datetime.timedelta(microseconds=entry.number)
    if times["tstamp"] is not None:
        when = datetime.datetime.fromtimestamp(times["tstamp"], datetime.UTC)
    elif not is_streamlit:
        raise Unplaced("tstamp is missing")
    rest: dict[str, Any] = {}
    address, address_hash = _address(fields, rest)
    own_name = fields.get("conversation_id")
    states = states_of(fields, source, address_hash, own_name if isinstance(own_name, str) else "", rest)
    if kind in BATTLES and fields.get("state") is not None:
        raise Unplaced(f"type {kind} has both state and states")
    shape = _shape(fields, source, states, rest)
    line = Line(
        entry=entry,
        source=source,
        kind=kind,
        states=states,
        when=when,
        times=times,
        address=address,
        address_hash=address_hash,
        parameters=_parameters(fields),
        shape=json.dumps(shape),
        rest=rest,
        own_message=_uuid(fields.get("message_id")),
    )
    line.key = _key(fields, source, address_hash)
    _keep_what_differs(line, shape, fields)
    return line


def _source(fields: Mapping[str, Any]) -> LogSource:
    if "states" in fields:
        return LogSource.FASTCHAT
    state = fields.get("state")
    if state is None:
        if isinstance(fields.get("messages"), list):
            return LogSource.STREAMLIT
        raise Unplaced("state is missing")
    if not isinstance(state, dict):
        raise Unplaced("state is no object")
    return LogSource.FASTCHAT if "conv_id" in state or "template_name" in state else LogSource.LLAVA


def _time(fields: Mapping[str, Any], name: str) -> float | None:
    value = fields.get(name)
    if value is None and name not in fields:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Unplaced(f"{name} is no time: {short(value)}")
    if not 0 <= value < 2**33:  # the year 2242; NaN is not below it
        raise Unplaced(f"{name} is no time: {short(value)}")
    return float(value)


def _address(fields: Mapping[str, Any], rest: dict[str, Any]) -> tuple[str, str]:
    """Give the address as the site stores it, and its keyed hash; of a hash that another export wrote, that hash."""
    ip = fields.get("ip")
    if ip is None:
        if "ip" in fields:
            rest["ip"] = None
        return "", ""
    if not isinstance(ip, str):
        # A list or a number may be an address all the same.
        if settings.MMCHAT_STORE_ADDRESSES:
            rest["ip"] = ip
        return "", hash_of_text(json.dumps(ip, sort_keys=True))
    if _HASH.fullmatch(ip):
        return "", ip
    address, hashed = _known_address(ip)
    if settings.MMCHAT_STORE_ADDRESSES and address != ip:
        rest["ip"] = ip
    return address, hashed


@lru_cache(maxsize=10_000)
def _known_address(ip: str) -> tuple[str, str]:
    address = client_address(ip, "")
    if address is None:
        return "", hash_of_text(storable(ip)) if ip else ""
    return str(address), keyed_hash(address)


def _parameters(fields: Mapping[str, Any]) -> dict[str, Any]:
    given = fields.get("gen_params")
    if not isinstance(given, dict):
        return {}
    names = {"temperature": "temperature", "top_p": "top_p", "max_new_tokens": "max_output_tokens"}
    return {
        ours: given[theirs]
        for theirs, ours in names.items()
        if isinstance(given.get(theirs), int | float) and abs(given[theirs]) < 2**63
    }


def _shape(
    fields: Mapping[str, Any], source: LogSource, states: Sequence[Said], rest: dict[str, Any]
) -> dict[str, Any]:
    """Give what the line shares with others; what is neither that nor known goes to `rest`."""
    own = (*_OWN, "messages") if source == LogSource.STREAMLIT else _OWN
    line: dict[str, Any] = {}
    for name, value in fields.items():
        line[name] = value if name in _SHARED else None
        if name not in _SHARED and name not in own:
            rest[name] = value
    is_open = False
    if source == LogSource.STREAMLIT:
        is_open = len(fields["messages"]) % 2 == 1
    elif "states" in fields:
        pairs = [_shared_state(state) for state in fields["states"]]
        line["states"] = [shared for shared, _ in pairs]
        if any(extra for _, extra in pairs):
            rest["states"] = [extra for _, extra in pairs]
    else:
        state = fields["state"]
        line["state"], extra = _shared_state(state)
        is_open = (len(state["messages"]) - len(line["state"]["messages"])) % 2 == 1
        if extra:
            rest["state"] = extra
    is_after = source == LogSource.LLAVA and any(
        turn.images and _MARK not in turn.text and _ends_with_mark(fields["state"], place)
        for place, turn in enumerate(states[0].turns)
    )
    return {"line": line, "after": is_after, "pairs": source == LogSource.FASTCHAT, "open": is_open}


def _ends_with_mark(state: Mapping[str, Any], place: int) -> bool:
    return state["messages"][state.get("offset", 0) + 2 * place][1].endswith(AFTER)


def _shared_state(state: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    shared: dict[str, Any] = {}
    extra: dict[str, Any] = {}
    for name, value in state.items():
        shared[name] = value if name in _SHARED_OF_STATE else None
        if name not in (*_SHARED_OF_STATE, "messages", "conv_id"):
            extra[name] = value
    shared["messages"] = state["messages"][: state.get("offset", 0)]
    return shared, extra


def _keep_what_differs(line: Line, shape: Mapping[str, Any], fields: Mapping[str, Any]) -> None:
    """Put into `rest`, as they were, the fields that what is stored would not give back."""
    expected = dict(fields)
    ip = fields.get("ip") if isinstance(fields.get("ip"), str) else ""
    if "images" in fields and not line.states[0].knows_images:
        line.rest["images"] = fields["images"]  # a vote's own, which need not be those of the reply
    paths, ids = [state.turns for state in line.states], [kept_name(state.name) for state in line.states]
    found = fill(shape, line.times, paths, ids, str(ip), line.rest)
    for name, value in expected.items():
        given = found.get(name)
        # An address is kept by `_address` alone.
        if given == value or name == "ip":
            continue
        if name == "state":
            differing = {key: each for key, each in value.items() if found[name][key] != each}
            line.rest["state"] = line.rest.get("state", {}) | differing
        elif name == "states":
            own = line.rest.get("states", [{}, {}])
            line.rest["states"] = [
                extra | {key: each for key, each in theirs.items() if ours[key] != each}
                for extra, theirs, ours in zip(own, value, found[name], strict=True)
            ]
        else:
            line.rest[name] = value
    if line.source == LogSource.STREAMLIT and "messages" in line.rest:
        line.rest.pop(FILE_NAMES, None)


def kept_name(name: str) -> str:
    """Give a conversation's id as far as it is stored."""
    return name if len(name) <= _MOST_ID_CHARACTERS else ""


def _uuid(value: Any) -> uuid.UUID | None:
    try:
        return uuid.UUID(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _key(fields: Mapping[str, Any], source: LogSource, address_hash: str) -> uuid.UUID:
    """Name a line by all of it, with the hash of the address, so that nobody finds the address by trying."""
    rest = {name: value for name, value in fields.items() if name != "ip"} if address_hash else fields
    text = json.dumps([source, address_hash, rest], sort_keys=True)
    return uuid.UUID(bytes=hashlib.blake2b(text.encode(), digest_size=16).digest(), version=5)
