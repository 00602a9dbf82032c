"""A controller that has no worker for several waiting replies is heard, and is not asked without end."""

import asyncio
import random
import time
import uuid

import pytest
from django.utils import timezone

from chat.database import DatabaseThread
from chat.generation import dispatch
from chat.generation.context import Context
from chat.generation.reply import LiveReply
from chat.generation.run import Run
from chat.models import Backend, ChatModel, Placement, Worker
from chat.queue import Candidate
from chat.registry import can_continue, uses_template
from chat.workers.errors import NoWorker
from tests.chat.factories import make_model


@pytest.mark.parametrize("waiting", [1, 2, 8])
async def test_a_controllers_refusals_are_heard_however_many_wait(waiting, monkeypatch):
    places = dispatch._Places({}, {"model": [dispatch._Controller("http://controller")]})
    monkeypatch.setattr(dispatch, "_places", lambda models: places)
    asked = []

    def refuse(url, model):
        asked.append(url)
        time.sleep(random.uniform(0.01, 0.05))  # they never end together
        raise NoWorker(model)

    monkeypatch.setattr(dispatch, "ask_controller", refuse)
    database, ready = DatabaseThread("test"), asyncio.Event()
    dispatcher = dispatch.Dispatcher(database, ready.set)
    try:
        async with asyncio.timeout(10):
            while not (found := await dispatcher.find({"model": waiting})).errors:
                await ready.wait()
                ready.clear()
        assert isinstance(found.errors["model"], NoWorker)
        assert len(asked) == waiting
    finally:
        await dispatcher.close()
        await database.close()


@pytest.fixture
def everywhere(db):
    """A model at an outside controller, at a worker that registered here, and at a server that is a backend."""
    model = make_model("InternVL2-8B", protocol="")
    Backend.objects.update(url="http://controller", concurrency=3)
    server = Backend.objects.create(
        name="server", kind="openai", url="http://server/v1", key_variable="THE_API_KEY", concurrency=64
    )
    here = Backend.objects.create(name="here", kind="built_in")
    for backend in (server, here):
        Placement.objects.create(model=model, backend=backend, listed=True)
    Worker.objects.create(
        address="http://worker", model_names=[model.name], queue_length=2, last_heartbeat=timezone.now()
    )
    return model


def test_each_kind_of_backend_gives_places_with_a_protocol_of_its_own(everywhere):
    found = dispatch._places({everywhere.name})
    assert found.controllers == {everywhere.name: [dispatch._Controller("http://controller", "internvl2", 3)]}
    assert found.workers == {
        everywhere.name: [
            Candidate("http://server/v1", limit=64, protocol="openai", key_variable="THE_API_KEY"),
            Candidate("http://worker", queue_length=2, protocol="internvl2"),
        ]
    }


def test_a_worker_is_asked_in_the_protocol_that_it_registered_unless_an_administrator_chose_one(everywhere):
    Worker.objects.update(protocol="llava")
    places = dispatch._places({everywhere.name}).workers[everywhere.name]
    assert [place.protocol for place in places] == ["openai", "llava"]
    ChatModel.objects.update(protocol="internvl2")
    places = dispatch._places({everywhere.name}).workers[everywhere.name]
    assert [place.protocol for place in places] == ["openai", "internvl2"]


def test_a_backend_that_is_off_or_lists_the_model_no_more_gives_no_place(everywhere):
    Backend.objects.filter(name="server").update(enabled=False)
    Placement.objects.filter(backend__kind="controller").update(listed=False)
    found = dispatch._places({everywhere.name})
    assert [worker.address for worker in found.workers[everywhere.name]] == ["http://worker"]
    assert found.controllers == {}


def test_a_reply_that_goes_on_goes_only_where_that_is_possible(everywhere):
    assert not can_continue(everywhere)
    assert not uses_template(everywhere)
    llava = make_model("llava-v1.5-13b")
    Placement.objects.create(model=llava, backend=Backend.objects.get(name="server"), listed=True)
    # What was kept for a second knows nothing of the second model: this is judged by its name.
    assert can_continue(llava)
    assert uses_template(llava)
    context = Context(llava.name, "", "", [], [], {}, beginning="Half of")
    run = Run(LiveReply(uuid.uuid4()), context)
    workers = [Candidate("http://server/v1", protocol="openai"), Candidate("http://worker", protocol="llava")]
    assert run.tried(workers) == {"http://server/v1"}
    assert Run(LiveReply(uuid.uuid4()), Context(llava.name, "", "", [], [], {})).tried(workers) == set()
