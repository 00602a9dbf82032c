"""Replies of an OpenAI-compatible server, beside workers of the other kinds, from end to end."""

import asyncio
import base64
import io
import json
import threading
from pathlib import Path

import pytest
import requests
from PIL import Image

from tests.openai_double import DONE, OpenAI, delta, event, spoken
from tests.running import DemoWorker, Site, free_port
from tests.visitor import Visitor

KEY = "sk-test-" + "0123456789abcdef" * 3


@pytest.fixture(scope="module")
def own_site(tmp_path_factory):
    environment = {"VISION_API_KEY": KEY, "MMCHAT_LIMITS": "off"}
    site = Site(tmp_path_factory.mktemp("openai"), environment=environment).start()
    yield site
    site.remove()


@pytest.fixture(scope="module")
def shared(own_site):
    """A server that is a backend of the site already, for tests that change only what it answers."""
    shared = OpenAI(f"org/vision-{free_port()}", key=KEY)
    add(own_site, shared.url)
    yield shared
    shared.close()


@pytest.fixture
def double(shared):
    shared.answer, shared.listing = spoken("Hello", " there", tokens=(7, 2)), None
    shared.requests.clear()
    shared.client_gone.clear()
    return shared


@pytest.fixture
def model(double):
    return double.models[0]


@pytest.fixture
def another():
    another = OpenAI(f"org/vision-{free_port()}", key=KEY)
    yield another
    another.close()


def add(site, url, kind="openai", key_variable="VISION_API_KEY", listed=(), **fields):
    """Add a backend, if it is new, and read the lists; `listed` are models that it is to list whatever it says."""
    row = {"url": url, "kind": kind, "key_variable": key_variable, **fields}
    code = f"""
from chat.models import Backend
from chat.registry import read_lists, store_list
backend, _ = Backend.objects.get_or_create(name={url!r}, defaults={row!r})
read_lists()
if {listed!r}:
    store_list(backend, {list(listed)!r})
"""
    done = site.manage("shell", "-v", "0", "-c", code)
    assert done.returncode == 0, done.stderr


async def ask(site, model, text="hello", visitor=None, **fields):
    visitor = visitor or await asyncio.to_thread(Visitor, site.url)
    async with visitor.socket() as page:
        accepted = await page.ask(text, model, **fields)
        assert accepted["type"] == "accepted", accepted
        return await page.until_ended(accepted["reply"])


def stored(site, reply, *columns):
    [row] = site.rows(
        f"SELECT {', '.join(columns)} FROM chat_message WHERE id = ?", reply["id"].replace("-", "")
    )
    return row


async def test_a_reply_streams_and_its_counts_are_stored(own_site, double, model):
    reply = await ask(own_site, model)
    assert (reply["state"], reply["text"]) == ("complete", "Hello there")
    columns = ("text", "worker", "prompt_tokens", "output_tokens", "finish_reason")
    assert stored(own_site, reply, *columns) == ("Hello there", double.url, 7, 2, "stop")
    asked = double.requests[-1]
    assert asked["messages"] == [{"role": "user", "content": "hello"}]
    assert (asked["model"], asked["stream"]) == (model, True)


async def test_what_was_thought_is_kept_but_not_sent_back(own_site, double, model):
    double.answer = [delta(reasoning_content="A cat?"), delta(content="Yes, a cat."), delta("stop"), DONE]
    visitor = await asyncio.to_thread(Visitor, own_site.url)
    async with visitor.socket() as page:
        first = await page.ask("What is it?", model)
        reply = await page.until_ended(first["reply"])
        assert reply["text"] == "<think>\nA cat?\n</think>\n\nYes, a cat."
        second = await page.ask("Sure?", model, conversation=first["conversation"])
        await page.until_ended(second["reply"])
    assert [message["content"] for message in double.requests[-1]["messages"]] == [
        "What is it?", "Yes, a cat.", "Sure?",
    ]  # fmt: skip


@pytest.mark.parametrize(("mode", "kind"), [("Default", "jpeg"), ("Pad", "png"), ("Resize", "png")])
async def test_images_go_along_as_the_image_mode_says(own_site, double, model, mode, kind):
    visitor = await asyncio.to_thread(Visitor, own_site.url)
    uploads = [visitor.upload(Image.new("RGB", (60, 30), colour))["id"] for colour in ("red", "blue")]
    await ask(own_site, model, "Which?", visitor, images=uploads, parameters={"image_mode": mode})
    *images, text = double.requests[-1]["messages"][0]["content"]
    assert text == {"type": "text", "text": "Which?"}
    sizes = []
    for part, reddish in zip(images, (True, False), strict=True):
        head, _, data = part["image_url"]["url"].partition(",")
        assert head == f"data:image/{kind};base64"
        picture = Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB")
        red, _, blue = picture.getpixel((picture.width // 2, picture.height // 2))
        assert (red > blue) == reddish
        sizes.append(picture.size)
    assert sizes == [{"Default": (60, 30), "Pad": (60, 60), "Resize": (336, 336)}[mode]] * 2


async def test_a_stop_closes_the_connection_and_keeps_the_text(own_site, double, model):
    double.answer = [delta(content="One"), threading.Event()]
    visitor = await asyncio.to_thread(Visitor, own_site.url)
    async with visitor.socket() as page:
        accepted = await page.ask("count", model)
        await page.until_text(accepted["reply"])
        await page.send("stop", message=accepted["reply"])
        reply = await page.until_ended(accepted["reply"])
    assert (reply["state"], reply["text"]) == ("stopped", "One")
    assert await asyncio.to_thread(double.client_gone.wait, 5)


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ((400, {"error": {"message": "maximum context length is 2048 tokens"}}), "worker_context_too_long"),
        (
            (404, {"error": {"message": "The model does not exist", "code": "model_not_found"}}),
            "worker_model_unknown",
        ),
        ((429, {"error": {"message": "slow down"}}), "worker_busy"),
        ((500, {"error": {"message": "CUDA secret"}}), "worker_http_error"),
        ([event(error={"message": "secret: out of memory", "code": 500})], "worker_reported_error"),
        ([delta(content="Half")], "worker_broke_off"),
    ],
)
async def test_each_failure_has_words_for_visitors_and_details_for_administrators(
    own_site, double, model, answer, code
):
    double.answer = answer
    reply = await ask(own_site, model)
    assert (reply["state"], reply["failure"]["code"]) == ("failed", code)
    assert not {"secret", "2048", "HTTP"} & set(reply["failure"]["text"].split())
    assert reply["text"] == ("Half" if code == "worker_broke_off" else "")
    assert stored(own_site, reply, "error_detail")[0]


async def test_what_a_server_refuses_for_a_model_is_left_out_from_then_on(own_site, another):
    """As the services do whose models think."""
    add(own_site, another.url)

    def refuse(name):
        return 400, {
            "error": {"message": f"Unsupported parameter: '{name}' is not supported with this model."}
        }

    def answer(asked):
        return next((refuse(name) for name in ("max_tokens", "temperature") if name in asked), spoken("Fine"))

    another.answer = answer
    for _ in range(2):
        reply = await ask(own_site, another.models[0], parameters={"max_output_tokens": 64})
        assert (reply["state"], reply["text"]) == ("complete", "Fine")
    assert len(another.requests) == 4
    assert another.requests[-1]["max_completion_tokens"] == 64
    # One that refuses what is left out already has its say.
    another.answer = lambda asked: refuse("temperature")
    assert (await ask(own_site, another.models[0]))["failure"]["code"] == "worker_parameter_refused"


async def test_the_key_is_nowhere(own_site, double, model):
    """Not in the database, the log, the metrics or the pages, though the server repeats it in its refusals."""
    await ask(own_site, model)
    assert double.seen[-1][1]["Authorization"] == f"Bearer {KEY}"
    double.answer = (400, {"error": {"message": f"You sent Bearer {KEY} and that is wrong"}})
    await ask(own_site, model)
    double.answer = [delta(content="a"), event(error={"message": f"Not you, {KEY}"})]
    await ask(own_site, model)
    double.listing = (401, "application/json", json.dumps({"error": f"Not you, {KEY}"}).encode())
    assert "worker_unauthorised" in own_site.manage("sync_models").stdout
    own_site.rows("PRAGMA wal_checkpoint")
    kept = [path.read_bytes() for path in Path(own_site.folder).glob("*") if path.is_file()]
    kept.append(requests.get(f"{own_site.url}/metrics", timeout=5).content)
    kept.append(requests.get(f"{own_site.url}/models/", timeout=5).content)
    assert not any(KEY[:14].encode() in data for data in kept)
    assert b"wrong" in b"".join(kept)


async def test_a_key_that_is_missing_fails_the_reply_and_is_told_with_the_backend(own_site, another):
    another.key = ""
    add(own_site, another.url, key_variable="MISSING_API_KEY", listed=another.models)
    assert own_site.rows("SELECT last_error FROM chat_backend WHERE url = ?", another.url)[0][0].startswith(
        "worker_key_missing"
    )
    reply = await ask(own_site, another.models[0])
    assert reply["failure"]["code"] == "worker_key_missing"
    assert another.requests == []


async def test_one_model_at_a_worker_and_at_a_server_is_served_by_whichever_lives(own_site, another):
    name = another.models[0] = f"llava-v1.5-both-{free_port()}"
    worker = DemoWorker(own_site, "--rate", "0", name=name)
    try:
        worker.wait()
        add(own_site, another.url)
        another.answer = [0.3, *spoken("From the server")]
        replies = await asyncio.gather(*(ask(own_site, name, "count to 3") for _ in range(6)))
        assert {reply["state"] for reply in replies} == {"complete"}
        served = {stored(own_site, reply, "worker")[0] for reply in replies}
        assert len(served) == 2
        assert another.url in served
        another.close()
        replies = [await ask(own_site, name, "count to 3") for _ in range(4)]
        assert {reply["state"] for reply in replies} == {"complete"}
        assert all("1, 2, 3" in reply["text"] for reply in replies)
    finally:
        worker.stop()


async def test_where_the_worker_dies_the_server_serves(own_site, another):
    name = another.models[0] = f"llava-v1.5-left-{free_port()}"
    worker = DemoWorker(own_site, "--rate", "0", name=name)
    worker.wait()
    add(own_site, another.url)
    worker.stop()
    another.answer = spoken("From the server")
    for _ in range(3):
        reply = await ask(own_site, name, "count to 3")
        assert (reply["state"], reply["text"]) == ("complete", "From the server")


async def test_a_backend_takes_as_many_replies_at_once_as_it_says(own_site, another):
    add(own_site, another.url, concurrency=12)
    hold = threading.Event()
    another.answer = [delta(content="On it"), hold, delta("stop"), DONE]
    asking = [asyncio.create_task(ask(own_site, another.models[0])) for _ in range(12)]
    async with asyncio.timeout(20):
        while len(another.requests) < 12:
            await asyncio.sleep(0.05)
    hold.set()
    assert {(await task)["state"] for task in asking} == {"complete"}
