"""An OpenAI-compatible server is asked as it wants, and what it says went wrong has a name of its own."""

import asyncio
import base64
import json

import msgspec
import pytest

from chat.prompts.messages import Message
from chat.workers import errors, openai
from chat.workers.errors import WorkerBadJson, WorkerHtml, WorkerUnauthorised, without_key
from chat.workers.protocols import PROTOCOLS, GenerationRequest
from chat.workers.protocols.openai_errors import refusal
from tests.openai_double import DONE, OpenAI, delta, event, spoken

from .conftest import HEAD, Texts, chunk

OPENAI = PROTOCOLS["openai"]
KEY = "sk-proj-" + "s3cret" * 8
PNG, JPEG = b"\x89PNG-bytes", b"\xff\xd8JPEG-bytes"


def body_of(*messages, **options):
    request = GenerationRequest("org/model", list(messages), images=[JPEG, PNG], **options)
    return json.loads(msgspec.json.encode(OPENAI.body(request)))


@pytest.fixture
def double():
    double = OpenAI("a", "org/b")
    yield double
    double.close()


def test_a_question_with_images_and_what_was_said_before():
    asked = body_of(
        Message("system", "Be kind."),
        Message("user", "What is it?", (1, 0)),
        Message("assistant", "A cat."),
        Message("user", "And now?"),
        temperature=0.3,
        top_p=0.9,
        max_new_tokens=64,
    )
    urls = [
        f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
        for kind, data in (("png", PNG), ("jpeg", JPEG))
    ]
    assert asked == {
        "model": "org/model",
        "messages": [
            {"role": "system", "content": "Be kind."},
            {
                "role": "user",
                "content": [
                    *({"type": "image_url", "image_url": {"url": url}} for url in urls),
                    {"type": "text", "text": "What is it?"},
                ],
            },
            {"role": "assistant", "content": "A cat."},
            {"role": "user", "content": "And now?"},
        ],
        "temperature": 0.3,
        "top_p": 0.9,
        "max_tokens": 64,
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def test_an_empty_system_message_and_an_empty_text_are_left_out():
    [only] = body_of(Message("system", ""), Message("user", "", (0,)))["messages"]
    assert [part["type"] for part in only["content"]] == ["image_url"]


async def test_a_reply_streams_and_the_key_goes_along(stream, double):
    double.key, texts, ends = KEY, [], []
    double.answer = spoken("Hello", " there", tokens=(7, 2))
    request = GenerationRequest("a", [Message("user", "Hi")])
    await stream(double.url, texts, protocol=OPENAI, request=request, key=KEY, pace=0, on_end=ends.append)
    assert texts[-1] == "Hello there"
    assert (ends[0].last.prompt_tokens, ends[0].last.output_tokens) == (7, 2)
    assert double.requests[0]["messages"] == [{"role": "user", "content": "Hi"}]


async def test_the_end_of_the_stream_is_the_end_though_the_connection_stays(stream, serve):
    async def script(server):
        await server.send(HEAD, *(chunk(piece) for piece in spoken("Done")))
        await server.client_gone.wait()

    texts = []
    async with asyncio.timeout(5):
        await stream((await serve(script)).address, texts, protocol=OPENAI)
    assert texts[-1] == "Done"


async def test_a_stop_closes_the_connection(stream, serve):
    async def script(server):
        await server.send(HEAD, chunk(delta(content="One")))
        await server.client_gone.wait()

    server, texts = await serve(script), Texts()
    task = asyncio.create_task(stream(server.address, texts, protocol=OPENAI))
    await texts.come()
    task.cancel()
    async with asyncio.timeout(5):
        await server.client_gone.wait()


@pytest.mark.parametrize("sent", [KEY, KEY[:-1] + "x"])
async def test_no_error_holds_the_key(stream, double, sent):
    double.key = "another"
    with pytest.raises(WorkerUnauthorised) as caught:
        await stream(double.url, [], protocol=OPENAI, key=sent)
    with pytest.raises(WorkerUnauthorised) as listing:
        await asyncio.to_thread(openai.list_models, double.url, sent, 5)
    for error in (caught.value, listing.value):
        assert sent not in f"{error!r} {error} {error.detail} {error.args}"
        assert "Incorrect API key" in error.detail


async def test_no_error_in_the_stream_holds_the_key(stream, double):
    # Cut short in the midst of the key, its beginning goes as well.
    for before in (0, 440, 460, 480):
        double.answer = [delta(content="a"), event(error={"message": "x" * before + KEY})]
        with pytest.raises(errors.WorkerReportedError) as caught:
            await stream(double.url, [], protocol=OPENAI, key=KEY)
        assert KEY[:8] not in f"{caught.value!r} {caught.value}"


def test_a_text_without_the_key_keeps_the_rest():
    assert without_key(f"a {KEY} b", KEY) == "a [key] b"
    assert without_key(f"a {KEY[:20]}…", KEY) == "a …"
    assert without_key("nothing", "") == "nothing"


async def test_a_redirect_is_not_followed_and_the_key_stays_here(stream, double):
    elsewhere = OpenAI("a")
    try:
        double.redirect = elsewhere.url + "/chat/completions"
        with pytest.raises(errors.WorkerRedirect):
            await stream(double.url, [], protocol=OPENAI, key=KEY)
        with pytest.raises(errors.WorkerRedirect):
            await asyncio.to_thread(openai.list_models, double.url, KEY, 5)
        assert elsewhere.seen == []
    finally:
        elsewhere.close()


def test_the_list_of_models_is_read_in_order(double):
    assert openai.list_models(double.url + "/", "", 5) == ["a", "org/b"]
    double.listing = (200, "application/json", b'[{"id": "b", "type": "chat"}, {"id": "a"}]')
    assert openai.list_models(double.url, "", 5) == ["b", "a"]


@pytest.mark.parametrize(
    ("listing", "kind"),
    [
        ((200, "text/html", b"<!doctype html><title>Log in</title>"), WorkerHtml),
        ((200, "application/json", b"{}"), WorkerBadJson),
        ((200, "application/json", b'{"data": [{"name": "a"}]}'), WorkerBadJson),
        ((200, "application/json", b'["a"]'), WorkerBadJson),
        ((500, "text/html", b"<html>oops</html>"), errors.WorkerHttpError),
        ((404, "application/json", b'{"detail": "Not Found"}'), errors.WorkerRejected),
    ],
)
def test_what_is_no_list_of_models_is_named(double, listing, kind):
    double.listing = listing
    with pytest.raises(kind):
        openai.list_models(double.url, "", 5)


@pytest.mark.parametrize(
    ("typed", "bases"),
    [
        ("http://host:8000", ["http://host:8000", "http://host:8000/v1"]),
        ("http://host:8000/", ["http://host:8000", "http://host:8000/v1"]),
        ("http://host:8000/v1/", ["http://host:8000/v1"]),
        ("http://host/v1/chat/completions", ["http://host/v1"]),
        ("https://host/api/v3", ["https://host/api/v3"]),
        ("https://host/v1beta/openai", ["https://host/v1beta/openai"]),
        ("https://host/openai/models", ["https://host/openai", "https://host/openai/v1"]),
    ],
)
def test_an_address_may_be_typed_as_people_have_it(typed, bases):
    assert openai.bases_of(typed) == bases


def said(message, **more):
    return json.dumps({"error": {"message": message, **more}})


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, said("This model's maximum context length is 2048 tokens. You requested 3000"), "ContextTooLong"),
        (400, said("too long", code="context_length_exceeded"), "ContextTooLong"),
        (400, said("the request exceeds the available context size", type="exceed_context"), "ContextTooLong"),
        (500, said("input length is too long: it is longer than the model's context length"), "ContextTooLong"),
        (400, said("At most 0 image(s) may be provided in one prompt."), "ImagesRefused"),
        (500, said("image input is not supported - hint: you may need to provide the mmproj"), "ImagesRefused"),
        (400, said("Invalid content type. image_url is only supported by certain models."), "ImagesRefused"),
        (401, said("Incorrect API key provided", code="invalid_api_key"), "Unauthorised"),
        (401, "", "Unauthorised"),
        (403, "Forbidden", "Unauthorised"),
        (404, said("The model `x` does not exist.", code="model_not_found"), "ModelUnknown"),
        (404, said('model "x" not found, try pulling it first'), "ModelUnknown"),
        (404, '{"detail":"Not Found"}', "Rejected"),
        (402, said("Insufficient credits"), "QuotaUsed"),
        (429, said("You exceeded your current quota", code="insufficient_quota"), "QuotaUsed"),
        (429, said("Rate limit reached"), "Busy"),
        (400, said("The response was filtered", code="content_filter"), "Filtered"),
        (400, said("Invalid 'temperature'"), "Rejected"),
        (400, said("Unsupported parameter: 'max_tokens' is not supported with this model."), "ParameterRefused"),
        (400, said("Unsupported value: 'temperature' does not support 0.2 with this model."), "ParameterRefused"),
        (422, '{"detail":[{"loc":["body","stream_options"],"msg":"Extra inputs are not permitted"}]}',
         "ParameterRefused"),
        (500, "Internal Server Error", "HttpError"),
        (502, "<html>Bad gateway: context window</html>", "HttpError"),
        (503, said("Loading model", code=503), "HttpError"),
        (307, "", "Redirect"),
    ],
)  # fmt: skip
def test_each_refusal_has_its_own_error(status, body, kind):
    error = refusal(status, {}, body)
    assert type(error).__name__ == f"Worker{kind}"
    assert error.detail.startswith(f"HTTP {status}")


def test_a_parameter_that_is_refused_is_named_and_left_out():
    body = said("Unsupported parameter: 'max_tokens' is not supported. Use 'max_completion_tokens' instead.")
    assert refusal(400, {}, body).parameter == "max_tokens"
    assert refusal(422, {}, '["body","top_p"]: Extra inputs are not permitted').parameter == "top_p"
    asked = body_of(Message("user", "Hi"), max_new_tokens=9, without=frozenset({"max_tokens", "temperature"}))
    assert asked["max_completion_tokens"] == 9
    assert not {"max_tokens", "temperature"} & set(asked)


def test_an_answer_that_is_well_is_no_error():
    assert refusal(200, {}, "") is None


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("20", 20.0), (" 3 ", 3.0), ("", None), ("Wed, 21 Oct 2026 07:28:00 GMT", None), ("-1", None)],
)
def test_a_server_may_say_when_to_come_back(header, seconds):
    assert refusal(429, {"Retry-After": header}, "").retry_after == seconds


async def test_a_body_without_a_word_is_empty(stream, double):
    double.answer = [delta("stop"), DONE]
    with pytest.raises(errors.WorkerEmpty):
        await stream(double.url, [], protocol=OPENAI)


@pytest.mark.parametrize("call", ["list", "stream"])
async def test_a_certificate_that_nobody_vouches_for_is_named(stream, tls_address, call):
    calls = {
        "list": lambda: asyncio.to_thread(openai.list_models, tls_address, "", 5),
        "stream": lambda: stream(tls_address, [], protocol=OPENAI),
    }
    with pytest.raises(errors.WorkerBadCertificate):
        await calls[call]()


@pytest.mark.parametrize("call", ["list", "stream"])
async def test_a_server_that_speaks_no_tls_has_no_bad_certificate(stream, double, call):
    address = double.url.replace("http:", "https:")
    calls = {
        "list": lambda: asyncio.to_thread(openai.list_models, address, "", 5),
        "stream": lambda: stream(address, [], protocol=OPENAI),
    }
    with pytest.raises(errors.WorkerBrokeOff):
        await calls[call]()
