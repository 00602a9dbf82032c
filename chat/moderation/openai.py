"""A service with the shape of OpenAI's `/v1/moderations`.

The format: https://platform.openai.com/docs/api-reference/moderations
"""

import base64
import json
from typing import Any

import requests
from django.conf import settings
from requests.auth import AuthBase
from urllib3.exceptions import HTTPError

from chat.backends import check_backend, key_of
from chat.images.preprocess import original_jpeg
from chat.models import ModerationCheck
from chat.moderation.checks import Check, Deadline, Finding, Subject, Unavailable
from chat.workers.errors import WorkerError

FROM_SETTINGS = "moderations"  # the name of the check that `--moderate` makes
MAX_ANSWER_BYTES = 1024 * 1024
READ_BYTES = 64 * 1024


def from_settings() -> Check:
    """Give the check that the MMCHAT_MODERATION settings describe: of the text of messages."""
    row = ModerationCheck(
        name=FROM_SETTINGS,
        kind=ModerationCheck.Kind.OPENAI,
        url=settings.MMCHAT_MODERATION_URL,
        served_model=settings.MMCHAT_MODERATION_MODEL,
        timeout=settings.MMCHAT_MODERATION_TIMEOUT,
        when_down=settings.MMCHAT_MODERATION_WHEN_DOWN,
    )
    return Check(row)


def examine(check: Check, subject: Subject) -> Finding:
    """Ask the service about the text, and about each image: OpenAI's takes one at a time."""
    deadline = Deadline(check.row.timeout)
    key = _key(check.row)
    inputs: list[Any] = [subject.text] if subject.text else []
    for image in subject.images:
        try:
            file = base64.b64encode(original_jpeg(image)).decode()
        except OSError:
            raise Unavailable("an image can't be read") from None
        inputs.append([{"type": "image_url", "image_url": {"url": f"data:image/jpeg;base64,{file}"}}])
    return _joined([_parse(_ask(check.row, key, each, deadline)) for each in inputs])


def _joined(findings: list[Finding]) -> Finding:
    scores: dict[str, float] = {}
    for finding in findings:
        for name, score in finding.scores.items():
            scores[name] = max(scores.get(name, 0.0), score)
    categories = frozenset[str]().union(*(finding.categories for finding in findings))
    return Finding(categories, scores, any(finding.flagged for finding in findings))


class _Bearer(AuthBase):
    """Send the key, or nothing. Without an auth object requests would take one from a .netrc file."""

    def __init__(self, key: str) -> None:
        self._key = key

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._key:
            request.headers["Authorization"] = f"Bearer {self._key}"
        return request


def _key(row: ModerationCheck) -> str:
    if row.pk is None:
        return settings.MMCHAT_MODERATION_KEY
    try:
        # Whoever may set the environment may reach anything; an administrator may not.
        check_backend(row.url)
        return key_of(row.key_variable)
    except WorkerError as error:
        raise Unavailable(f"{error.code}: {error.detail}") from None


def _ask(row: ModerationCheck, key: str, given: Any, deadline: Deadline) -> bytes:
    body = {"input": given}
    if row.served_model:
        body["model"] = row.served_model
    left = deadline.left()
    try:
        with requests.post(
            row.url,
            json=body,
            auth=_Bearer(key),
            timeout=left,
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


def _read(response: requests.Response, deadline: Deadline) -> bytes:
    """Read an answer piece by piece: the time-out of requests is per piece and would never end a drip."""
    body = bytearray()
    while piece := response.raw.read1(READ_BYTES, decode_content=True):
        body += piece
        deadline.left()
        if len(body) > MAX_ANSWER_BYTES:
            raise Unavailable("the answer is too large")
    return bytes(body)


def _parse(body: bytes) -> Finding:
    """Read an answer; several results in it count as one."""
    try:
        results = json.loads(body)["results"]
        flags = [result["flagged"] for result in results]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise Unavailable("the answer is not of the expected shape") from None
    if not flags or not all(isinstance(flag, bool) for flag in flags):
        raise Unavailable("the answer is not of the expected shape")
    return _joined(
        [
            Finding(
                frozenset(
                    name for name, value in _mapping(result.get("categories")).items() if value is True
                ),
                {
                    # What was rounded up to a little more than 1 is no reason to take it for nothing.
                    name: float(min(max(value, 0), 1))
                    for name, value in _mapping(result.get("category_scores")).items()
                    if isinstance(value, int | float) and value == value  # NaN is no score
                },
                flag,
            )
            for result, flag in zip(results, flags, strict=True)
        ]
    )


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
