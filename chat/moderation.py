"""Ask a moderation service whether a visitor's message may go to a model.

The service has the shape of OpenAI's `/v1/moderations`
(https://platform.openai.com/docs/api-reference/moderations). Everything here waits for the network or the
database: call it off the event loop.
"""

import json
import logging
import time
from dataclasses import dataclass, field
from typing import Any

import requests
from django.conf import settings
from requests.auth import AuthBase
from urllib3.exceptions import HTTPError

from chat.models import Message, ModerationEvent

logger = logging.getLogger(__name__)

CHECK_NAME = "moderations"
FLAGGED = "moderation_flagged"
UNAVAILABLE = "moderation_unavailable"
REFUSAL_CODES = (FLAGGED, UNAVAILABLE)

MAX_ANSWER_BYTES = 1024 * 1024
READ_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Verdict:
    """Hold what a check said of a text.

    `code` names why it was refused, None where it may go on. `outcome` is what to record, None where there
    is nothing to tell. `categories` are the names that were flagged, `scores` all that came, 0 to 1.
    `detail` is for administrators and holds neither the text nor the key.
    """

    allowed: bool
    code: str | None = None
    outcome: ModerationEvent.Outcome | None = None
    categories: tuple[str, ...] = ()
    scores: dict[str, float] = field(default_factory=dict)
    detail: str = ""


class Unavailable(Exception):
    """The service gave no answer that can be used; the text says why and is safe to log."""


def check_text(text: str) -> Verdict:
    """Ask the service about a text; never raises.

    A text of nothing but white space is allowed without a call, for the services refuse it as input. When
    the service is down or answers nonsense, MMCHAT_MODERATION_WHEN_DOWN decides.
    """
    if not text.strip():
        return Verdict(allowed=True)
    try:
        categories, scores, flagged = _parse(_ask(text))
    except Unavailable as error:
        logger.warning("moderation service unavailable: %s", str(error))
        return _without_answer(str(error))
    if not flagged:
        return Verdict(allowed=True, scores=scores)
    return Verdict(
        allowed=False,
        code=FLAGGED,
        outcome=ModerationEvent.Outcome.REFUSED,
        categories=categories,
        scores=scores,
    )


def record(message: Message, verdict: Verdict) -> ModerationEvent | None:
    """Store what was said of a message; None where the check found nothing to tell."""
    if verdict.outcome is None:
        return None
    return ModerationEvent.objects.create(
        message=message,
        check_name=CHECK_NAME,
        outcome=verdict.outcome,
        categories=list(verdict.categories),
        scores=verdict.scores,
        detail=verdict.detail,
    )


class _Bearer(AuthBase):
    """Send the key, or nothing. Without an auth object requests would take one from a .netrc file."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if settings.MMCHAT_MODERATION_KEY:
            request.headers["Authorization"] = f"Bearer {settings.MMCHAT_MODERATION_KEY}"
        return request


def _without_answer(reason: str) -> Verdict:
    if settings.MMCHAT_MODERATION_WHEN_DOWN == "open":
        return Verdict(allowed=True, outcome=ModerationEvent.Outcome.UNAVAILABLE_ALLOWED, detail=reason)
    return Verdict(
        allowed=False,
        code=UNAVAILABLE,
        outcome=ModerationEvent.Outcome.UNAVAILABLE_REFUSED,
        detail=reason,
    )


def _ask(text: str) -> bytes:
    deadline = time.monotonic() + settings.MMCHAT_MODERATION_TIMEOUT
    try:
        with requests.post(
            settings.MMCHAT_MODERATION_URL,
            json={"model": settings.MMCHAT_MODERATION_MODEL, "input": text},
            auth=_Bearer(),
            timeout=settings.MMCHAT_MODERATION_TIMEOUT,
            allow_redirects=False,
            stream=True,
        ) as response:
            if response.status_code != requests.codes.ok:
                raise Unavailable(f"HTTP {response.status_code}")
            return _read(response, deadline)
    # Not the exception's own text: it can quote a header, and so the key. Those of urllib3 come from reading
    # the raw answer, ValueError (UnicodeError) from a key that no header can hold.
    except (requests.RequestException, HTTPError, OSError, ValueError) as error:
        raise Unavailable(type(error).__name__) from None


def _read(response: requests.Response, deadline: float) -> bytes:
    """Read an answer piece by piece: the time-out of requests is per piece and would never end a drip."""
    body = bytearray()
    while piece := response.raw.read1(READ_BYTES, decode_content=True):
        body += piece
        if time.monotonic() > deadline:
            raise Unavailable("the answer took too long")
        if len(body) > MAX_ANSWER_BYTES:
            raise Unavailable("the answer is too large")
    return bytes(body)


def _parse(body: bytes) -> tuple[tuple[str, ...], dict[str, float], bool]:
    """Give flagged categories, scores and whether anything was flagged, over all results of an answer."""
    try:
        results = json.loads(body)["results"]
        flags = [result["flagged"] for result in results]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise Unavailable("the answer is not of the expected shape") from None
    if not flags or not all(isinstance(flag, bool) for flag in flags):
        raise Unavailable("the answer is not of the expected shape")
    names: set[str] = set()
    scores: dict[str, float] = {}
    for result in results:
        names |= {name for name, value in _mapping(result.get("categories")).items() if value is True}
        for name, value in _mapping(result.get("category_scores")).items():
            if isinstance(value, int | float) and 0 <= value <= 1:
                scores[name] = max(scores.get(name, 0.0), float(value))
    return tuple(sorted(names)), scores, any(flags)


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
