"""Name what an OpenAI-compatible server says went wrong, in an HTTP body or in the stream.

There is no list of codes that all servers keep to, so words count as well.
"""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from ..errors import (
    WorkerBusy,
    WorkerContextTooLong,
    WorkerError,
    WorkerFiltered,
    WorkerImagesRefused,
    WorkerModelUnknown,
    WorkerParameterRefused,
    WorkerQuotaUsed,
    WorkerReportedError,
    WorkerUnauthorised,
    error_of_status,
    excerpt,
)

# The first that fits counts.
_BY_WORDS: tuple[tuple[re.Pattern[str], type[WorkerError]], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), kind)
    for pattern, kind in (
        (
            r"content.?filter|content.?policy|content management policy|input.? (was|were) flagged",
            WorkerFiltered,
        ),
        (
            r"context.?(length|window|size)|maximum context|max_model_len|prompt (is )?too long|too many tokens"
            r"|longer than the (maximum )?model|input.{0,40} too long",
            WorkerContextTooLong,
        ),
        (
            r"(image|vision|multi-?modal).{0,80}(not support|unsupported|at most|only supported|not a|mmproj)"
            r"|(not support|unsupported|at most|does ?n.t (support|accept)|not a).{0,60}(image|vision|multi-?modal)"
            r"|missing data required for image",
            WorkerImagesRefused,
        ),
        (r"insufficient.?quota|insufficient credits|billing|exceeded your current quota", WorkerQuotaUsed),
        (r"invalid_api_key|incorrect api key|authentication_error", WorkerUnauthorised),
        (
            r"model_not_found|model.{0,200}(not found|does ?n.t exist|does not exist|not available)"
            r"|(unknown|invalid|no such) model|pinned to .{0,200}requested",
            WorkerModelUnknown,
        ),
    )
)
_BY_STATUS: Mapping[int, type[WorkerError]] = {
    401: WorkerUnauthorised,
    402: WorkerQuotaUsed,
    403: WorkerUnauthorised,
}


# What a request can do without, or with another name for it.
SPARED = ("max_tokens", "temperature", "top_p", "stream_options", "repetition_penalty")
_REFUSED = re.compile(
    rf"(unsupported|not support|unrecognized|unknown|extra).{{0,80}}?\b({'|'.join(SPARED)})\b"
    rf"|\b({'|'.join(SPARED)})\b.{{0,80}}?(unsupported|not support|not permitted|not allowed)",
    re.IGNORECASE | re.DOTALL,
)


def refusal(status: int, headers: Mapping[str, str], body: str) -> WorkerError | None:
    """Return the error of an answer by its status, headers and body, None when there is none."""
    if status < 300:
        return None
    detail = f"HTTP {status}: {excerpt(body)}"
    if status == 429 and not re.search(r"quota|billing|credits", body, re.IGNORECASE):
        return WorkerBusy(detail, retry_after=_seconds(headers.get("Retry-After", "")))
    if status in (400, 422) and (refused := _REFUSED.search(body)):
        return WorkerParameterRefused(detail, refused[2] or refused[3])
    # What a proxy of a broken server writes on its page says nothing.
    if status >= 400 and "<html" not in body[:500].lower() and (named := _by_words(body, detail)):
        return named
    kind = _BY_STATUS.get(status)
    return kind(detail) if kind else error_of_status(status, detail)


def reported(error: Any) -> WorkerError:
    """Return the error that an event of the stream tells of; `error` is what it holds."""
    text = error if isinstance(error, str) else msgspec.json.encode(error).decode()
    detail = excerpt(text)
    code = error.get("code") if isinstance(error, dict) else None
    if str(code) == "429":
        return WorkerBusy(detail)
    return _by_words(text, detail) or WorkerReportedError(detail)


def _by_words(text: str, detail: str) -> WorkerError | None:
    return next((kind(detail) for pattern, kind in _BY_WORDS if pattern.search(text)), None)


def _seconds(retry_after: str) -> float | None:
    """Read a `Retry-After` in seconds; one that is a date says nothing, for clocks differ."""
    return float(retry_after) if re.fullmatch(r"[0-9]{1,6}", retry_after.strip()) else None
