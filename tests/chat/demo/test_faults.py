import http.client
import json

import pytest
import requests

from chat.demo.faults import ANSWERS, BREAKS, KINDS, parse_fault

QUESTION = "count to 9 [[fault:{}]]"


def prompt(fault: str) -> str:
    return f"USER: {QUESTION.format(fault)} ASSISTANT:"


def body_of(demo, fault: str) -> bytes:
    with demo.post(prompt=prompt(fault)) as response:
        assert response.status_code == 200
        return response.content


def replies(body: bytes, fault: str) -> list[str]:
    return [json.loads(frame)["text"].removeprefix(prompt(fault)) for frame in body.split(b"\0")[:-1]]


def read_until_it_breaks(response: requests.Response) -> tuple[bytes, str]:
    """Give what came before the connection broke, and how it broke."""
    received = b""
    try:
        for piece in response.iter_content(None):
            received += piece
    except requests.RequestException as error:
        return received, str(error)
    raise AssertionError("the body ended well")


@pytest.mark.parametrize(("fault", "status"), [("http-500", 500), ("http-429", 429), ("redirect", 307)])
def test_a_status_instead_of_a_stream(demo, fault, status):
    with demo.post(prompt=prompt(fault)) as response:
        assert response.status_code == status


def test_a_redirect_names_another_place(demo):
    with demo.post(prompt=prompt("redirect")) as response:
        assert response.headers["Location"] == "/worker_get_status"


def test_a_web_page_instead_of_a_stream(demo):
    with demo.post(prompt=prompt("html")) as response:
        assert response.headers["Content-Type"].startswith("text/html")
        assert response.text.startswith("<!doctype html>")


def test_an_empty_body(demo):
    assert body_of(demo, "empty") == b""


@pytest.mark.parametrize(("fault", "frames"), [("hang", 0), ("stall@0", 0), ("stall@3", 3), ("stall", 5)])
def test_silence_after_so_many_tokens(demo, fault, frames):
    connection = http.client.HTTPConnection(demo.address.removeprefix("http://"), timeout=30)
    connection.request("POST", "/worker_generate_stream", json.dumps({"prompt": prompt(fault)}))
    response = connection.getresponse()
    received = b""
    while received.count(b"\0") < frames:
        received += response.read1()
    connection.sock.settimeout(0.3)
    with pytest.raises(TimeoutError):
        response.read1()
    assert received.count(b"\0") == frames
    response.close()
    connection.close()


def test_the_process_dies_in_mid_stream(start_worker):
    demo = start_worker("--no-register", "--fault", "die@3")
    with demo.post(prompt="USER: count to 9 ASSISTANT:") as response:
        received, _ = read_until_it_breaks(response)
    assert received.count(b"\0") == 3
    assert demo.process.wait(30) == 70


def test_the_connection_is_reset_in_mid_stream(demo):
    with demo.post(prompt=prompt("reset@3")) as response:
        _, how = read_until_it_breaks(response)
    assert "reset by peer" in how
    assert demo.reply("count to 2") == "1, 2"


def test_a_frame_that_is_no_json(demo):
    body = body_of(demo, "garbage@2")
    assert body.count(b"\0") == 3
    with pytest.raises(json.JSONDecodeError):
        json.loads(body.split(b"\0")[-2])


def test_a_frame_that_is_no_utf8(demo):
    last = body_of(demo, "bad-utf8@2").split(b"\0")[-2]
    with pytest.raises(UnicodeDecodeError):
        last.decode()
    assert json.loads(last.replace(b"\xff\xfe", b""))["text"].endswith("1, 2, ")


def test_an_error_code_ends_the_reply(demo):
    frames = [json.loads(frame) for frame in body_of(demo, "error-code@2").split(b"\0")[:-1]]
    assert [frame["error_code"] for frame in frames] == [0, 0, 1]
    assert "HIGH TRAFFIC" in frames[-1]["text"]


def test_text_is_taken_back_and_then_goes_on(demo):
    assert replies(body_of(demo, "shrink@4"), "shrink@4")[3:] == [
        "1, 2, 3, 4, ",
        "1, ",
        "1, 5, ",
        "1, 5, 6, ",
        "1, 5, 6, 7, ",
        "1, 5, 6, 7, 8, ",
        "1, 5, 6, 7, 8, 9",
    ]


def test_each_frame_comes_twice(demo):
    frames = body_of(demo, "duplicate").split(b"\0")[:-1]
    assert len(frames) == 18
    assert frames[::2] == frames[1::2]


def test_the_reply_never_ends(demo):
    with demo.post(prompt=prompt("endless"), max_new_tokens=10) as response:
        received = b""
        while received.count(b"\0") < 200:
            received += response.raw.read1(65536)
    assert replies(received, "endless")[199].endswith("again again ")


def test_bytes_without_an_end_of_frame(demo):
    with demo.post(prompt=prompt("no-nul")) as response:
        received = b"".join(response.raw.read(65536) for _ in range(64))
    assert len(received) == 64 * 65536
    assert b"\0" not in received


def test_the_body_ends_in_half_a_frame(demo):
    frames = body_of(demo, "broken-off@2").split(b"\0")
    assert len(frames) == 3
    assert frames[-1]
    assert frames[1].startswith(frames[-1])


def test_a_fault_beyond_the_end_of_a_reply_comes_at_its_end(demo):
    assert body_of(demo, "garbage@1000").count(b"\0") == 10


def test_a_question_can_ask_for_a_fault_only_where_that_is_allowed(start_worker):
    demo = start_worker("--no-register")
    assert demo.reply("count to 9 [[fault:http-500]]") == "1, 2, 3, 4, 5, 6, 7, 8, 9"


def test_an_unknown_fault_in_a_question_is_no_fault(demo):
    assert demo.reply("count to 3 [[fault:nonsense]]") == "1, 2, 3"


@pytest.mark.parametrize("text", ["nonsense", "stall@", "stall@x", "stall@-1", "", "stall@99999999999"])
def test_a_fault_that_is_none_is_refused_by_name(text):
    with pytest.raises(ValueError, match=r"is no fault|number of tokens"):
        parse_fault(text)


def test_every_kind_of_fault_has_a_test_here():
    with open(__file__) as file:
        source = file.read()
    assert set(KINDS) == {*ANSWERS, *BREAKS}
    assert [kind for kind in KINDS if f'"{kind}' not in source] == []
