"""Each way in which a worker fails has its own code, and the text before it is kept."""

import asyncio

import pytest

from chat.workers.errors import (
    WorkerBadJson,
    WorkerBadUtf8,
    WorkerBrokeOff,
    WorkerBusy,
    WorkerConnectTimeout,
    WorkerEmpty,
    WorkerHtml,
    WorkerHttpError,
    WorkerOversized,
    WorkerRedirect,
    WorkerRefused,
    WorkerRejected,
    WorkerReportedError,
    WorkerSilent,
    WorkerStalled,
    WorkerTextTooLarge,
    WorkerTooLong,
    WorkerUnknownHost,
)
from chat.workers.protocols import PROTOCOLS, GenerationRequest
from chat.workers.relay import MAX_TEXT
from chat.workers.stream import Timeouts, stream_reply

from .conftest import END, HEAD, Texts, chunk, frame, recorded


async def test_a_closed_port_is_refused(stream, closed_port):
    with pytest.raises(WorkerRefused):
        await stream(f"http://127.0.0.1:{closed_port}", [])


async def test_a_name_that_does_not_resolve_is_an_unknown_host(stream):
    with pytest.raises(WorkerUnknownHost):
        await stream("http://worker.invalid:21002", [])


@pytest.mark.parametrize("address", ["ftp://127.0.0.1", "127.0.0.1:21002", "http://", "http://a:b:c"])
async def test_a_malformed_address_is_forbidden(stream, address):
    with pytest.raises(Exception, match=r"worker_address_forbidden"):
        await stream(address, [])


async def test_a_connection_that_does_not_come_about_times_out(stream, full_listener):
    with pytest.raises(WorkerConnectTimeout):
        await stream(full_listener, [], timeouts=Timeouts(connect=0.1))


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (500, WorkerHttpError),
        (503, WorkerHttpError),
        (429, WorkerBusy),
        (404, WorkerRejected),
        (422, WorkerRejected),
    ],
)
async def test_a_status_of_failure_names_itself_and_keeps_the_body_for_administrators(
    stream, serve, status, kind
):
    async def script(server):
        await server.send(b"HTTP/1.1 %d X\r\nContent-Length: 6\r\n\r\nreason" % status)

    with pytest.raises(kind) as caught:
        await stream((await serve(script)).address, [])

    assert caught.value.detail == f"HTTP {status}: reason"


async def test_a_redirect_is_not_followed(stream, serve):
    async def never(server):
        await server.send(HEAD, chunk(frame("secret")), END)

    target = await serve(never)

    async def script(server):
        await server.send(
            f"HTTP/1.1 307 X\r\nLocation: {target.address}/x\r\nContent-Length: 0\r\n\r\n".encode()
        )

    with pytest.raises(WorkerRedirect):
        await stream((await serve(script)).address, [])

    assert target.connections == 0


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\n\r\n",
        HEAD + END,
        HEAD + chunk(b"\0\0\n") + END,
        HEAD + chunk(frame("")) + chunk(frame(" \n")) + END,
    ],
)
async def test_an_answer_without_reply_text_is_empty(stream, serve, answer):
    texts = []

    async def script(server):
        await server.send(answer)

    with pytest.raises(WorkerEmpty):
        await stream((await serve(script)).address, texts)

    assert texts == []


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: 2\r\n\r\nHi",
        b"HTTP/1.1 200 OK\r\nContent-Length: 17\r\n\r\n\n <!doctype html>",
    ],
)
async def test_a_web_page_is_no_stream(stream, serve, answer):
    async def script(server):
        await server.send(answer)

    with pytest.raises(WorkerHtml):
        await stream((await serve(script)).address, [])


@pytest.mark.parametrize("before", [b"", HEAD, HEAD + chunk(frame("")) + chunk(frame(" "))])
async def test_no_text_in_time_is_silence_even_when_blank_frames_come(stream, serve, before):
    async def script(server):
        await server.send(before)
        await server.client_gone.wait()

    server = await serve(script)
    with pytest.raises(WorkerSilent):
        await stream(server.address, [], timeouts=Timeouts(first_token=0.2))

    await asyncio.wait_for(server.client_gone.wait(), 5)


async def test_a_stall_after_the_first_token_keeps_text_that_was_still_held_back(stream, serve):
    texts = Texts()

    async def script(server):
        await server.send(HEAD)
        await server.frames("a")
        await texts.ends_with("a")
        await server.send(chunk(frame("ab")), chunk(b"{half a frame"))
        await server.client_gone.wait()

    with pytest.raises(WorkerStalled):
        await stream((await serve(script)).address, texts, timeouts=Timeouts(silence=0.5), pace=60)

    assert texts == ["a", "ab"]


async def test_a_reply_that_does_not_end_in_time_keeps_the_text(stream, serve):
    texts, sent = [], []

    async def script(server):
        await server.send(HEAD)
        while not server.client_gone.is_set():
            sent.append("x")
            await server.frames("".join(sent))
            await asyncio.sleep(0.01)

    with pytest.raises(WorkerTooLong):
        await stream((await serve(script)).address, texts, timeouts=Timeouts(whole=0.5), pace=0.01)

    assert texts


async def test_a_gigabyte_without_a_nul_ends_at_the_limit(stream, serve):
    texts, sent = [], 0

    async def script(server):
        nonlocal sent
        await server.send(HEAD, chunk(frame("a")))
        piece = chunk(b"x" * 1_000_000)
        while not server.client_gone.is_set() and sent < 1000:
            await server.send(piece)
            sent += 1

    with pytest.raises(WorkerOversized):
        await stream((await serve(script)).address, texts)

    assert texts == ["a"]
    assert sent < 100


async def test_more_text_than_the_limit_is_cut_there(stream, serve):
    texts = []

    async def script(server):
        await server.send(HEAD, chunk(frame("a")), chunk(frame("a" * (MAX_TEXT + 1))), END)

    with pytest.raises(WorkerTextTooLarge):
        await stream((await serve(script)).address, texts)

    assert texts[-1] == "a" * MAX_TEXT


@pytest.mark.parametrize(("name", "kind"), [("bad-json.bin", WorkerBadJson), ("bad-utf8.bin", WorkerBadUtf8)])
async def test_a_bad_frame_keeps_the_text_before_it_even_within_one_read(stream, serve, name, kind):
    texts = []

    async def script(server):
        await server.send(HEAD + chunk(recorded(name)) + END)

    with pytest.raises(kind):
        await stream((await serve(script)).address, texts)

    assert texts == ["gut"]


async def test_a_reported_error_keeps_the_text_and_hides_its_own_in_the_detail(stream, serve):
    texts = []

    async def script(server):
        await server.send(HEAD, chunk(frame("half an ans")), chunk(frame("CUDA out of memory", 50002)), END)

    with pytest.raises(WorkerReportedError) as caught:
        await stream((await serve(script)).address, texts, pace=60)

    assert texts == ["half an ans"]
    assert caught.value.detail == "error_code 50002: CUDA out of memory"


async def test_a_body_that_ends_inside_a_frame_broke_off(stream, serve):
    texts = []

    async def script(server):
        await server.send(HEAD, chunk(recorded("truncated.bin")), END)

    with pytest.raises(WorkerBrokeOff):
        await stream((await serve(script)).address, texts)

    assert texts == ["Erst gut"]


@pytest.mark.parametrize("ending", ["close", "reset"])
async def test_a_connection_lost_mid_stream_broke_off_and_keeps_the_text(stream, serve, ending):
    texts = Texts()

    async def script(server):
        await server.send(HEAD)
        await server.frames("a", "ab")
        await texts.ends_with("ab")
        if ending == "reset":
            server.reset()

    with pytest.raises(WorkerBrokeOff):
        await stream((await serve(script)).address, texts, pace=0.01)

    assert texts[-1] == "ab"


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200", b"SSH-2.0-OpenSSH_9.6\r\n\r\n"])
async def test_an_answer_that_is_no_http_broke_off(stream, serve, answer):
    async def script(server):
        await server.send(answer)

    with pytest.raises(WorkerBrokeOff):
        await stream((await serve(script)).address, [])


async def test_a_bad_frame_found_by_the_trailing_delivery_ends_the_stream(stream, serve):
    texts = Texts()

    async def script(server):
        await server.send(HEAD)
        await server.frames("a")
        await texts.ends_with("a")
        await server.send(chunk(b"{}\0"))
        await server.client_gone.wait()

    with pytest.raises(WorkerBadJson):
        await stream((await serve(script)).address, texts)

    assert texts == ["a"]


async def test_what_the_callback_raises_comes_out_unchanged(session, serve):
    async def script(server):
        await server.send(HEAD)
        await server.frames("a", "ab")
        await server.client_gone.wait()

    def on_chunk(got):
        raise OSError(got.text)

    server = await serve(script)
    with pytest.raises(OSError, match=r"^ab?$"):
        await stream_reply(
            session, server.address, PROTOCOLS["internvl2"], GenerationRequest("m", []), on_chunk
        )

    await asyncio.wait_for(server.client_gone.wait(), 5)
