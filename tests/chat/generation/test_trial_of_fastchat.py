"""A prompt that an administrator tries is asked as visitors' are: in the worker's protocol, with its template."""

import asyncio
import json

import pytest
from django.utils import timezone

from chat import registry
from chat.generation.trial import answer, prepare
from chat.models import Backend, Worker
from tests.fastchat_double import FastChatController, FastChatWorker
from tests.openai_double import OpenAI

pytestmark = pytest.mark.django_db
OWN = "A chat. USER: Hi ASSISTANT:"


@pytest.fixture
def worker():
    worker = FastChatWorker()
    yield worker
    worker.close()


def tried(backend, model):
    async def lines():
        return [json.loads(line) async for line in answer(trial)]

    trial = prepare(backend, model, "Hi", "", None)
    return asyncio.run(lines())


def test_behind_a_controller_of_fastchat(worker):
    controller = FastChatController()
    try:
        controller.workers[worker.url] = {"model_names": ["vicuna"], "speed": 1, "queue_length": 0}
        backend = Backend.objects.create(name="b", kind=Backend.Kind.FASTCHAT, url=controller.url)
        registry.read_lists()
        *texts, last = tried(backend, "vicuna")
    finally:
        controller.close()
    assert texts[-1] == {"text": "Hello there"}
    assert (last["done"]["worker"], last["done"]["tokens"]) == (worker.url, 2)
    assert worker.requests[-1]["prompt"] == OWN


def test_at_a_worker_of_fastchat_that_registered_here(worker):
    backend = Backend.objects.create(name="here", kind=Backend.Kind.BUILT_IN)
    Worker.objects.create(
        address=worker.url, model_names=["vicuna"], protocol="fastchat", last_heartbeat=timezone.now()
    )
    registry.read_lists()
    assert tried(backend, "vicuna")[-1]["done"]["worker"] == worker.url
    assert worker.requests[-1]["prompt"] == OWN


def test_at_an_openai_compatible_server():
    server = OpenAI("org/vision")
    try:
        backend = Backend.objects.create(name="b", kind=Backend.Kind.OPENAI, url=server.url)
        registry.read_lists()
        *texts, last = tried(backend, "org/vision")
    finally:
        server.close()
    assert (texts[-1], last["done"]["tokens"]) == ({"text": "Hello there"}, 2)


def test_a_style_that_is_not_known_is_told_with_its_number(worker):
    worker.conv["sep_style"] = 19
    backend = Backend.objects.create(name="here", kind=Backend.Kind.BUILT_IN)
    Worker.objects.create(
        address=worker.url, model_names=["vicuna"], protocol="fastchat", last_heartbeat=timezone.now()
    )
    registry.read_lists()
    [last] = tried(backend, "vicuna")
    assert last["error"]["code"] == "template_unknown"
    assert "19" in last["error"]["detail"]
