"""Bad input gets an error that names the field and the limit, and disturbs nothing else."""

import asyncio
import json
import uuid

import pytest
import websockets
from PIL import Image


def send(**fields):
    return {"type": "send", "client_id": str(uuid.uuid4()), "text": "hello", **fields}


@pytest.mark.parametrize(
    ("fields", "code", "field", "limit"),
    [
        ({"text": ""}, "message_empty", "text", 1),
        ({"text": " \n\t "}, "message_empty", "text", 1),
        ({"text": "x" * 20_000}, "message_too_long", "text", 16_000),
        ({"text": "x" * 100_000}, "message_too_long", "text", 16_000),
        ({"text": "漢" * 100_000}, "message_too_long", "text", 16_000),
        ({"text": "a\0b"}, "message_unreadable", "text", None),
        ({"model": "no-such-model"}, "model_unknown", "model", None),
        ({"model": "no\0model"}, "model_unknown", "model", None),
        ({"conversation": str(uuid.uuid4())}, "not_found", "conversation", None),
        ({"images": [str(uuid.uuid4())]}, "image_unknown", "images", None),
        ({"images": [str(uuid.uuid4()) for _ in range(5)]}, "too_many_images", "images", 4),
        ({"parameters": {"temperature": 1.5}}, "parameter_out_of_range", "temperature", 1),
        ({"parameters": {"top_p": -0.1}}, "parameter_out_of_range", "top_p", 0),
        ({"parameters": {"max_output_tokens": 5000}}, "parameter_out_of_range", "max_output_tokens", 4096),
        ({"parameters": {"max_output_tokens": 10**400}}, "parameter_out_of_range", "max_output_tokens", 4096),
        ({"parameters": {"max_input_tiles": 0}}, "parameter_out_of_range", "max_input_tiles", 1),
        (
            {"parameters": {"image_mode": "Stretch"}},
            "parameter_out_of_range",
            "image_mode",
            "Default, Crop, Pad, Resize",
        ),
        ({"parameters": {"temperature": "hot"}}, "frame_unreadable", "parameters.temperature", None),
        ({"conversation": "not-an-id"}, "frame_unreadable", "conversation", None),
    ],
)
async def test_a_bad_message_is_refused_by_field_and_limit(visitor, model, fields, code, field, limit):
    frame = send(**{"model": model, **fields})
    async with visitor.socket() as page:
        await page.connection.send(json.dumps(frame))
        error = await page.expect("error")
        assert (error["code"], error["field"], error["limit"]) == (code, field, limit)
        assert error["client_id"] == frame["client_id"]
        assert error["text"]
        accepted = await page.ask("hello", model)
        assert accepted["type"] == "accepted"
        await page.until_ended(accepted["reply"])


@pytest.mark.parametrize(
    "data",
    [
        "",
        "{",
        "null",
        "[]",
        '{"type": "dance"}',
        '{"text": "no type"}',
        '{"type": "send"}',
        "[" * 10_000,
        '{"type": "stop", "message": NaN}',
        '{"type": "leave", "\\ud800": 1, "x": "\\ud800"}',
        b"\x00\x01",
    ],
)
async def test_a_frame_that_is_none_is_refused_and_the_socket_goes_on(visitor, model, data):
    async with visitor.socket() as page:
        await page.connection.send(data)
        await page.send("stop", message=str(uuid.uuid4()))
        errors = [(await page.expect("error"))["code"]]
        if errors == ["frame_unreadable"]:
            errors.append((await page.expect("error"))["code"])
    assert errors[-1] == "not_found"


@pytest.mark.parametrize("opening", ["[", '{"a":'])
@pytest.mark.parametrize("field", ["unknown", "text", "parameters", "images", "type"])
async def test_a_deep_frame_is_refused_in_words_before_it_is_read(visitor, field, opening):
    depth = 60_000 // len(opening)
    async with visitor.socket() as page:
        await page.connection.send(f'{{"type": "send", "{field}": {opening * depth}')
        error = await page.expect("error")
        assert error["code"] == "frame_unreadable"
        assert "recursion" not in error["text"]


async def test_special_tokens_are_stored_as_typed(visitor, model):
    typed = "<image> <|im_end|> </s> [INST] ###Human: USER: hi"
    async with visitor.socket() as page:
        accepted = await page.ask(typed, model)
        reply = await page.until_ended(accepted["reply"])
    assert page.messages[accepted["message"]]["text"] == typed
    assert reply["state"] == "complete"


async def test_another_visitors_conversation_reply_and_image_are_not_found(visitor, stranger, model):

    picture = visitor.upload(Image.new("RGB", (40, 40)))
    async with visitor.socket() as page:
        accepted = await page.ask("hello", model, images=[picture["id"]])
        await page.until_ended(accepted["reply"])
    nobody = str(uuid.uuid4())
    async with stranger.socket() as page:
        for conversation, message, image in (
            (accepted["conversation"], accepted["reply"], picture["id"]),
            (nobody, nobody, nobody),
        ):
            answers = []
            for frame in (
                {"type": "open", "conversation": conversation},
                {"type": "stop", "message": message},
                {"type": "regenerate", "client_id": str(uuid.uuid4()), "message": message},
                send(model=model, conversation=conversation),
                send(model=model, images=[image]),
            ):
                await page.connection.send(json.dumps(frame))
                answers.append((await page.expect("error"))["code"])
            assert answers == ["not_found"] * 4 + ["image_unknown"]
    for path in (f"/c/{accepted['conversation']}/", picture["url"], picture["thumbnail"]):
        assert stranger.http.get(stranger.url + path).status_code == 404
        assert visitor.http.get(visitor.url + path).status_code == 200


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "ftp://127.0.0.1", "null", None, "http://127.0.0.1:1", "https://{host}"]
)
async def test_a_handshake_from_another_origin_is_denied(visitor, origin):
    if origin:
        origin = origin.replace("{host}", visitor.url.split("//")[1])
    with pytest.raises(websockets.InvalidStatus) as denied:
        async with visitor.socket(origin=origin):
            pass
    assert denied.value.response.status_code == 403


async def test_a_socket_without_the_cookie_is_closed(visitor):
    visitor.http.cookies.clear()
    with pytest.raises(websockets.ConnectionClosedError) as closed:
        async with visitor.socket():
            pass
    assert closed.value.rcvd.code == 4401


@pytest.mark.parametrize("cookie", ['prefs={"theme": "dark"}', "a/b=1", "foo=é", "bare", "t=a b c"])
async def test_a_neighbours_cookie_does_not_lock_a_visitor_out(visitor, model, cookie):
    headers = {"Cookie": f"{cookie}; {visitor.cookies}"}
    url = f"{visitor.url.replace('http', 'ws')}/ws/chat/"
    async with websockets.connect(url, origin=visitor.url, additional_headers=headers) as connection:
        assert json.loads(await connection.recv())["type"] == "hello"


async def test_a_visitor_who_is_blocked_loses_the_open_socket(site, visitor, model):
    async with visitor.socket() as page:
        accepted = await page.ask("count to 2000", model)
        await page.until_text(accepted["reply"])
        found = f"Visitor.objects.get(conversations='{accepted['conversation']}')"
        block = f"from chat.models import Visitor; {found}.blocks.create(reason='Spam')"
        await asyncio.to_thread(site.manage, "shell", "-c", block)
        assert await page.until_closed(10) == 4403
    with pytest.raises(websockets.ConnectionClosedError) as closed:
        async with visitor.socket():
            pass
    assert closed.value.rcvd.code == 4403
