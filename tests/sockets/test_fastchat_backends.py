"""Replies of FastChat's workers, behind their own controller and behind the site's, from end to end."""

import asyncio

import pytest
import requests
from PIL import Image

from tests.fastchat_double import CONV, FastChatController, FastChatWorker
from tests.openai_double import OpenAI, spoken
from tests.running import Site, free_port
from tests.sockets.test_continue import go_on
from tests.sockets.test_openai_backends import add, ask, stored
from tests.visitor import Visitor

SECRET = "fastchat"


@pytest.fixture(scope="module")
def own_site(tmp_path_factory):
    environment = {"MMCHAT_LIMITS": "off", "MMCHAT_WORKER_SECRET": SECRET}
    site = Site(tmp_path_factory.mktemp("fastchat"), environment=environment).start()
    yield site
    site.remove()


@pytest.fixture(scope="module")
def controller(own_site):
    controller = FastChatController()
    yield controller
    controller.close()


@pytest.fixture
def worker():
    worker = FastChatWorker()
    yield worker
    worker.close()


def serves(controller, worker, name, multimodal=False):
    status = {"model_names": [name], "speed": 1, "queue_length": 0, "multimodal": multimodal}
    controller.workers = {worker.url: status}


def change(site, name, **fields):
    code = f"from chat.models import ChatModel; ChatModel.objects.filter(name={name!r}).update(**{fields!r})"
    assert site.manage("shell", "-v", "0", "-c", code).returncode == 0


@pytest.fixture
def model(own_site, controller, worker):
    name = f"vicuna-{free_port()}"
    serves(controller, worker, name, multimodal=True)
    add(own_site, controller.url, "fastchat", "")
    return own_site.wait_for_model(name)


async def test_the_workers_own_template_is_used_and_its_counts_are_stored(own_site, worker, model):
    visitor = await asyncio.to_thread(Visitor, own_site.url)
    async with visitor.socket() as page:
        first = await page.ask("What is it?", model)
        reply = await page.until_ended(first["reply"])
        second = await page.ask("Sure?", model, conversation=first["conversation"])
        await page.until_ended(second["reply"])
    assert (reply["state"], reply["text"]) == ("complete", "Hello there")
    columns = ("worker", "prompt_tokens", "output_tokens", "finish_reason")
    assert stored(own_site, reply, *columns) == (worker.url, 9, 2, "stop")
    asked = worker.requests[-1]
    assert asked["prompt"] == "A chat. USER: What is it? ASSISTANT: Hello there</s>USER: Sure? ASSISTANT:"
    assert (asked["echo"], asked["stop"], asked["stop_token_ids"]) == (False, None, [])
    assert "images" not in asked
    assert worker.templates_asked == 1
    address = f"{own_site.url}/replies/{reply['id']}/"
    seen = await asyncio.to_thread(visitor.http.get, address)
    assert seen.json()["verdict"] == "exact"
    assert "".join(text for text, _ in seen.json()["prompt"][0]["pieces"]) == worker.requests[0]["prompt"]


async def test_images_are_marked_and_go_along(own_site, worker, model):
    visitor = await asyncio.to_thread(Visitor, own_site.url)
    upload = visitor.upload(Image.new("RGB", (40, 30), "red"))["id"]
    await ask(own_site, model, "What is it?", visitor, images=[upload])
    asked = worker.requests[-1]
    assert asked["prompt"] == "A chat. USER: $$<image>$$What is it? ASSISTANT:"
    assert len(asked["images"]) == 1


async def test_an_administrators_template_wins(own_site, worker, model):
    change(own_site, model, template="Hermes-2")
    await asyncio.sleep(1.1)  # models are kept for a second
    await ask(own_site, model, "Hi")
    asked = worker.requests[-1]
    assert "<|im_start|>user\nHi<|im_end|>" in asked["prompt"]
    assert asked["stop"] == "<|im_end|>"
    assert worker.templates_asked == 0


async def test_an_unknown_style_is_refused_by_its_number_and_another_template_mends_it(
    own_site, worker, model
):
    worker.conv = {**CONV, "name": "yuan2", "sep_style": 19}
    reply = await ask(own_site, model, "Hi")
    assert reply["failure"]["code"] == "template_unknown"
    [detail] = stored(own_site, reply, "error_detail")
    assert "19" in detail
    assert "yuan2" in detail
    change(own_site, model, template="vicuna_v1")
    await asyncio.sleep(1.1)
    assert (await ask(own_site, model, "Hi"))["state"] == "complete"


async def test_a_worker_that_knows_no_such_call_gets_the_template_by_name(own_site, worker, model):
    worker.conv = None
    assert (await ask(own_site, model, "Hi"))["state"] == "complete"
    assert worker.requests[-1]["prompt"].startswith(
        "A chat between a curious user and an artificial intelligence"
    )


async def test_a_model_without_eyes_takes_no_images(own_site, controller, worker):
    name = f"blind-{free_port()}"
    serves(controller, worker, name)
    add(own_site, controller.url, "fastchat", "")
    assert own_site.rows("SELECT max_images FROM chat_chatmodel WHERE name = ?", name) == [(0,)]


@pytest.mark.parametrize("multimodal", [True, False])
async def test_a_worker_of_fastchat_registers_with_the_sites_own_controller(own_site, worker, multimodal):
    name = f"own-{free_port()}"
    requests.post(
        f"{own_site.url}/workers/{SECRET}/register_worker",
        json={
            "worker_name": worker.url,
            "check_heart_beat": True,
            "worker_status": {"model_names": [name], "speed": 1, "queue_length": 0},
            "multimodal": multimodal,
        },
        timeout=10,
    ).raise_for_status()
    [listed] = [
        one
        for one in requests.get(f"{own_site.url}/models/", timeout=5).json()["list"]
        if one["name"] == name
    ]
    assert listed["max_images"] == (4 if multimodal else 0)
    reply = await ask(own_site, name, "Hi")
    assert (reply["state"], reply["text"]) == ("complete", "Hello there")
    assert worker.requests[-1]["prompt"] == "A chat. USER: Hi ASSISTANT:"


async def test_one_model_at_three_kinds_of_backends_outlives_any_of_them(own_site, controller, worker):
    """FastChat's controller, the site's own with a worker of FastChat, and an OpenAI-compatible server."""
    name = f"everywhere-{free_port()}"
    serves(controller, worker, name)
    second, server = FastChatWorker("From", " here"), OpenAI(name)
    server.answer = spoken("From the server")
    add(own_site, controller.url, "fastchat", "")
    add(own_site, server.url, "openai", "")
    body = {
        "worker_name": second.url,
        "check_heart_beat": False,
        "worker_status": {"model_names": [name], "speed": 1, "queue_length": 0},
        "multimodal": False,
    }
    requests.post(
        f"{own_site.url}/workers/{SECRET}/register_worker", json=body, timeout=10
    ).raise_for_status()
    replies = await asyncio.gather(*(ask(own_site, name, "Hi") for _ in range(12)))
    assert {reply["state"] for reply in replies} == {"complete"}
    places = {stored(own_site, reply, "worker")[0] for reply in replies}
    assert len(places) >= 2
    for dead, left in ((server, {worker.url, second.url}), (second, {worker.url})):
        dead.close()
        replies = [await ask(own_site, name, "Hi") for _ in range(3)]
        assert {reply["state"] for reply in replies} == {"complete"}
        assert {stored(own_site, reply, "worker")[0] for reply in replies} <= left


async def test_a_reply_that_its_limit_of_tokens_ended_is_told_and_goes_on(own_site, worker, model):
    visitor = await asyncio.to_thread(Visitor, own_site.url)
    worker.reason = "length"
    async with visitor.socket() as page:
        accepted = await page.ask("What is it?", model)
        first = dict(await page.until_ended(accepted["reply"]))
        worker.reason = "stop"
        going_on = await go_on(page, first["id"])
        second = dict(await page.until_ended(going_on["reply"]))
    assert (first["state"], first["cut"], first["continuable"]) == ("complete", True, True)
    assert (second["state"], second["cut"]) == ("complete", False)
    assert second["text"] == "Hello thereHello there"
    assert worker.requests[-1]["prompt"].endswith("ASSISTANT: Hello there")
    async with visitor.socket() as page:
        await page.send("open", conversation=accepted["conversation"])
        opened = await page.expect("conversation")
        assert opened["messages"][-1]["cut"] is False
        await page.send("open", conversation=accepted["conversation"], at=first["id"])
        assert (await page.expect("conversation"))["messages"][-1]["cut"] is True
