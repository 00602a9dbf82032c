"""Asking a service with the shape of OpenAI's `/v1/moderations` over real HTTP."""

import base64
import io
import json
import socket

import pytest
from PIL import Image

from chat.images.unstored import unstored
from chat.models import ModerationCheck, ModerationEvent, Stage
from chat.moderation.checks import Check, Subject
from chat.moderation.openai import MAX_ANSWER_BYTES, from_settings
from chat.moderation.pipeline import decide, run
from tests.chat.images.pictures import encoded, noisy
from tests.chat.moderation.conftest import send, send_json

Outcome = ModerationEvent.Outcome


def check_text(text):
    """Ask the check that the settings describe."""
    return run([from_settings()], Subject(Stage.MESSAGE, text))


def decision_on(text):
    return decide(from_settings(), Subject(Stage.MESSAGE, text))


def test_a_harmless_text_is_allowed_with_its_scores(service):
    decision = decision_on("What is in this picture?")
    assert decision.outcome == Outcome.ALLOWED
    assert decision.scores == {"violence": 0.01, "hate": 0.02}


def test_a_flagged_text_is_refused_with_its_categories_and_scores(service):
    assert check_text("How do I attack them?").code == "moderation_flagged"
    verdict = decision_on("How do I attack them?")
    assert verdict.outcome == Outcome.REFUSED
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
    verdict = decision_on("x")
    assert (verdict.outcome, verdict.categories, verdict.scores) == (
        Outcome.REFUSED,
        ("hate",),
        {"hate": 0.9},
    )


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
    assert check_text(text).code == ""
    [(path, headers, body)] = service.requests
    assert path == "/v1/moderations"
    assert json.loads(body) == {"model": "omni-moderation-latest", "input": text}
    assert headers["Content-Type"] == "application/json"


def test_a_text_beside_a_quote_is_still_checked(service):
    assert check_text('say "attack" now').code == "moderation_flagged"


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
    assert check_text(text).code == ""
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
    assert closed.code == "moderation_unavailable"
    assert closed.outcome == Outcome.UNAVAILABLE_REFUSED
    settings.MMCHAT_MODERATION_WHEN_DOWN = "open"
    opened = check_text("Hello attack")
    assert opened.code == ""
    assert opened.outcome == Outcome.UNAVAILABLE_ALLOWED
    assert opened.deciding.detail
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


def test_scores_that_are_no_numbers_are_left_out_and_those_beyond_the_ends_are_taken_for_the_ends(service):
    scores = '{"a": "x", "b": 0.5, "c": 9, "d": NaN, "e": -1, "f": 1.0000001, "g": 1e999}'
    body = f'{{"results": [{{"flagged": true, "categories": [], "category_scores": {scores}}}]}}'
    service.answer = lambda handler, _: send(handler, 200, body.encode())
    verdict = decision_on("x")
    assert (verdict.outcome, verdict.categories) == (Outcome.REFUSED, ())
    assert verdict.scores == {"b": 0.5, "c": 1.0, "e": 0.0, "f": 1.0, "g": 1.0}


def test_an_answer_just_below_the_limit_is_read(service):
    body = json.dumps({"results": [{"flagged": False}]}).encode()
    service.answer = lambda handler, _: send(handler, 200, body + b" " * (MAX_ANSWER_BYTES - len(body)))
    assert check_text("x").code == ""


@pytest.mark.parametrize("key", ["sk-very-secret", "sk-very-secret\nX-Evil: 1", "sk-very-secret-é☃"])
def test_neither_the_key_nor_the_text_is_logged_or_told(service, settings, caplog, key):
    settings.MMCHAT_MODERATION_KEY = key
    service.answer = BAD_ANSWERS["HTTP 500"]
    with caplog.at_level("DEBUG"):
        verdict = check_text("private words")
    assert verdict.code == "moderation_unavailable"
    assert "check moderations is unavailable" in caplog.text
    for told in (caplog.text, repr(verdict)):
        assert "very-secret" not in told
        assert "private words" not in told


@pytest.fixture
def stored(service):
    """A check as an administrator stores it, at the same service."""
    return Check(
        ModerationCheck(pk=1, kind="openai", url=service.url, key_variable="CHECK_API_KEY", on_images=True)
    )


def test_a_stored_check_takes_its_key_from_the_environment(service, stored, monkeypatch):
    monkeypatch.setenv("CHECK_API_KEY", "sk-of-the-check")
    assert decide(stored, Subject(Stage.MESSAGE, "hello")).outcome == Outcome.ALLOWED
    assert service.requests[0][1]["Authorization"] == "Bearer sk-of-the-check"
    monkeypatch.delenv("CHECK_API_KEY")
    decision = decide(stored, Subject(Stage.MESSAGE, "hello"))
    assert (decision.outcome, decision.detail) == (
        Outcome.UNAVAILABLE_REFUSED, "worker_key_missing: CHECK_API_KEY is not set, or holds no key",
    )  # fmt: skip
    assert len(service.requests) == 1


def test_a_stored_check_goes_to_no_address_that_the_site_may_not_go_to(
    service, stored, monkeypatch, settings
):
    monkeypatch.setenv("CHECK_API_KEY", "x")
    settings.MMCHAT_WORKER_NETWORKS = []
    decision = decide(stored, Subject(Stage.MESSAGE, "hello"))
    assert decision.detail.startswith("worker_address_forbidden")
    assert service.requests == []


def test_each_image_is_asked_about_beside_the_text_and_the_worst_counts(service, stored, monkeypatch):
    monkeypatch.setenv("CHECK_API_KEY", "x")

    def answer(handler, body):
        is_image = not isinstance(json.loads(body)["input"], str)
        score = 0.9 if is_image else 0.2
        result = {
            "flagged": is_image,
            "categories": {"sexual": is_image},
            "category_scores": {"sexual": score},
        }
        send_json(handler, {"results": [result]})

    service.answer = answer
    images = [unstored(encoded(noisy(30, 20, seed), "PNG")) for seed in (1, 2)]
    decision = decide(stored, Subject(Stage.MESSAGE, "hello", images))
    assert (decision.outcome, decision.categories, decision.scores) == (
        Outcome.REFUSED,
        ("sexual",),
        {"sexual": 0.9},
    )
    text, *pictures = (json.loads(body)["input"] for _, _, body in service.requests)
    assert text == "hello"
    assert len(pictures) == 2
    for [part] in pictures:
        kind, _, data = part["image_url"]["url"].partition(",")
        assert kind == "data:image/jpeg;base64"
        with Image.open(io.BytesIO(base64.b64decode(data))) as picture:
            assert picture.format == "JPEG"


def test_an_image_whose_file_is_gone_is_not_checked(service, stored, monkeypatch):
    monkeypatch.setenv("CHECK_API_KEY", "x")
    image = unstored(encoded(noisy(30, 20), "PNG"))
    image.jpeg.storage.delete("jpeg")
    assert decide(stored, Subject(Stage.MESSAGE, "", [image])).detail == "an image can't be read"
