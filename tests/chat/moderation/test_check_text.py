"""Asking a moderation service over real HTTP."""

import json
import socket

import pytest

from chat.models import ModerationEvent
from chat.moderation import MAX_ANSWER_BYTES, check_text
from tests.chat.moderation.conftest import send, send_json

Outcome = ModerationEvent.Outcome


def test_a_harmless_text_is_allowed_and_leaves_nothing_to_record(service):
    verdict = check_text("What is in this picture?")
    assert verdict.allowed
    assert (verdict.code, verdict.outcome) == (None, None)


def test_a_flagged_text_is_refused_with_its_categories_and_scores(service):
    verdict = check_text("How do I attack them?")
    assert not verdict.allowed
    assert (verdict.code, verdict.outcome) == ("moderation_flagged", Outcome.REFUSED)
    assert verdict.categories == ("violence", "violence/graphic")
    assert verdict.scores == {"violence": 0.98, "hate": 0.02}


def test_any_of_several_results_can_flag(service):
    service.answer = lambda handler, body: send_json(
        handler,
        {
            "results": [
                {"flagged": False, "categories": {"hate": False}, "category_scores": {"hate": 0.4}},
                {"flagged": True, "categories": {"hate": True}, "category_scores": {"hate": 0.9}},
            ]
        },
    )
    verdict = check_text("x")
    assert (verdict.allowed, verdict.categories, verdict.scores) == (False, ("hate",), {"hate": 0.9})


@pytest.mark.parametrize(
    "text",
    [
        'say "hello"',
        'a " b \\" c \\',
        "it's {broken} %s",
        "line\nnext\r\n\ttab",
        '"}], "input": "',
        "图片 🐈 \u2028",
        "</script>",
    ],
)
def test_any_text_arrives_as_it_was(service, text):
    assert check_text(text).allowed
    [(path, headers, body)] = service.requests
    assert path == "/v1/moderations"
    assert json.loads(body) == {"model": "omni-moderation-latest", "input": text}
    assert headers["Content-Type"] == "application/json"


def test_a_text_beside_a_quote_is_still_checked(service):
    assert not check_text('say "attack" now').allowed


def test_the_key_goes_as_a_bearer_and_an_empty_one_not_at_all(service, settings, tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    check_text("x")
    settings.MMCHAT_MODERATION_KEY = ""
    check_text("x")
    with_key, without_key = (headers for _, headers, _ in service.requests)
    assert with_key["Authorization"] == "Bearer sk-very-secret"
    assert "Authorization" not in without_key


@pytest.mark.parametrize("text", ["", "  \n\t"])
def test_nothing_to_check_is_allowed_without_a_call(service, text):
    assert check_text(text).allowed
    assert service.requests == []


def drip(service):
    def answer(handler, body):
        handler.send_response(200)
        handler.send_header("Content-Length", "1000000")
        handler.end_headers()
        try:
            while not service.release.wait(0.02):
                handler.wfile.write(b" ")
        except OSError:
            pass  # the client has hung up, as it should

    return answer


def endless(handler, body):
    handler.send_response(200)
    handler.end_headers()
    try:
        while True:
            handler.wfile.write(b" " * 65536)
    except OSError:
        pass  # the client has hung up, as it should


def breaking_off(handler, body):
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"results": [{"flagged": false')
    handler.close_connection = True


BAD_ANSWERS = {
    "HTTP 500": lambda handler, body: send(handler, 500, b"oops"),
    "HTTP 401": lambda handler, body: send(handler, 401, b'{"error": "Incorrect API key"}'),
    "HTTP 429": lambda handler, body: send(handler, 429, b"{}"),
    "HTTP 307": lambda handler, body: send(handler, 307, b"", Location="/elsewhere"),
    "HTTP 302": lambda handler, body: send(handler, 302, b"", Location="http://127.0.0.1:1/"),
    "html": lambda handler, body: send(handler, 200, b"<html>It works!</html>"),
    "empty": lambda handler, body: send(handler, 200, b""),
    "no utf-8": lambda handler, body: send(handler, 200, b'{"results": "\xff"}'),
    "a list": lambda handler, body: send_json(handler, []),
    "no results": lambda handler, body: send_json(handler, {"id": "modr-1"}),
    "empty results": lambda handler, body: send_json(handler, {"results": []}),
    "results of another kind": lambda handler, body: send_json(handler, {"results": [1]}),
    "flagged of another kind": lambda handler, body: send_json(handler, {"results": [{"flagged": "no"}]}),
    "flagged is null": lambda handler, body: send_json(handler, {"results": [{"flagged": None}]}),
    "deep nesting": lambda handler, body: send(handler, 200, b"[" * 200_000),
    "bad gzip": lambda handler, body: send(handler, 200, b"no gzip", Content_Encoding="gzip"),
    "hangs up": lambda handler, body: handler.connection.shutdown(socket.SHUT_RDWR),
    "breaks off": breaking_off,
    "endless": endless,
}  # fmt: skip


@pytest.mark.parametrize("answer", BAD_ANSWERS.values(), ids=BAD_ANSWERS.keys())
def test_an_answer_that_is_none_refuses_when_closed_and_allows_when_open(service, settings, answer):
    service.answer = answer
    closed = check_text("Hello attack")
    assert (closed.allowed, closed.code) == (False, "moderation_unavailable")
    assert closed.outcome == Outcome.UNAVAILABLE_REFUSED
    settings.MMCHAT_MODERATION_WHEN_DOWN = "open"
    opened = check_text("Hello attack")
    assert (opened.allowed, opened.code) == (True, None)
    assert opened.outcome == Outcome.UNAVAILABLE_ALLOWED
    assert opened.detail
    assert len(service.requests) == 2, "a redirect was followed"


def test_a_service_that_never_answers_is_given_up(service, settings):
    settings.MMCHAT_MODERATION_TIMEOUT = 0.2
    service.answer = lambda handler, body: service.release.wait()
    assert check_text("Hello").code == "moderation_unavailable"


def test_an_answer_in_drips_is_given_up(service, settings):
    settings.MMCHAT_MODERATION_TIMEOUT = 0.2
    service.answer = drip(service)
    assert check_text("Hello").code == "moderation_unavailable"


def test_a_service_that_is_not_there_is_unavailable(service, settings):
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    settings.MMCHAT_MODERATION_URL = f"http://127.0.0.1:{port}/v1/moderations"
    assert check_text("Hello").code == "moderation_unavailable"


@pytest.mark.parametrize("url", ["", "no-address", "http://", "ftp://127.0.0.1/", "http://[::1/"])
def test_an_address_that_is_none_is_unavailable(service, settings, url):
    settings.MMCHAT_MODERATION_URL = url
    assert check_text("Hello").code == "moderation_unavailable"


def test_scores_that_are_no_numbers_are_left_out(service):
    service.answer = lambda handler, body: send_json(
        handler,
        {"results": [{"flagged": True, "categories": [], "category_scores": {"a": "x", "b": 0.5, "c": 9}}]},
    )
    verdict = check_text("x")
    assert (verdict.allowed, verdict.categories, verdict.scores) == (False, (), {"b": 0.5})


def test_an_answer_just_below_the_limit_is_read(service):
    body = json.dumps({"results": [{"flagged": False}]}).encode()
    service.answer = lambda handler, _: send(handler, 200, body + b" " * (MAX_ANSWER_BYTES - len(body)))
    assert check_text("x").allowed


@pytest.mark.parametrize("key", ["sk-very-secret", "sk-very-secret\nX-Evil: 1", "sk-very-secret-é☃"])
def test_neither_the_key_nor_the_text_is_logged_or_told(service, settings, caplog, key):
    settings.MMCHAT_MODERATION_KEY = key
    service.answer = BAD_ANSWERS["HTTP 500"]
    with caplog.at_level("DEBUG"):
        verdict = check_text("private words")
    assert verdict.code == "moderation_unavailable"
    assert "moderation service unavailable" in caplog.text
    for told in (caplog.text, repr(verdict)):
        assert "very-secret" not in told
        assert "private words" not in told
