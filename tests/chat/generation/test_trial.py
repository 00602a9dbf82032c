"""What an administrator tries is asked for real, streams as it comes, ends when nobody reads, and is stored nowhere."""

import asyncio
import json
import threading

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from chat.generation import trial
from chat.models import AuditEntry, Backend, Conversation, Image, Message, Worker
from chat.refusals import Refused
from chat.registry import store_list
from tests.openai_double import OpenAI, delta, spoken
from tests.outside import Controller
from tests.running import free_port

pytestmark = pytest.mark.django_db


@pytest.fixture
def double():
    double = OpenAI("org/vision")
    yield double
    double.close()


@pytest.fixture
def person():
    return User.objects.create_user("person").pk


def backend_of(url, kind="openai", model="org/vision", **fields):
    backend = Backend.objects.create(name=url or "here", kind=kind, url=url, **fields)
    store_list(backend, [model])
    return backend


def ask(backend, person, model="org/vision", prompt="Hello?", picture=""):
    """Try a prompt; give all that is said."""

    async def read():
        return [json.loads(line) async for line in trial.answer(prepared)]

    prepared = trial.prepare(backend, model, prompt, picture, person)
    return asyncio.run(read())


def test_an_answer_comes_to_its_end_with_its_times_and_tokens(double, person):
    double.answer = spoken("Hello", " there", tokens=(3, 2))
    *texts, done = ask(backend_of(double.url), person)
    assert texts[-1] == {"text": "Hello there"}
    assert done["done"]["worker"] == double.url
    assert done["done"]["tokens"] == 2
    assert 0 < done["done"]["first"] <= done["done"]["seconds"]
    assert double.requests[0]["messages"] == [{"role": "user", "content": "Hello?"}]


def test_nothing_is_stored_but_that_it_was_tried_by_whom_and_never_the_prompt(double, person):
    backend = backend_of(double.url)
    ask(backend, person, prompt="A secret plan")
    assert not Conversation.objects.exists()
    assert not Message.objects.exists()
    entry = AuditEntry.objects.get()
    assert (entry.actor_id, entry.action, entry.target) == (person, "try", f"backend {backend.pk}")
    assert "secret" not in json.dumps(entry.detail)


def test_a_model_is_asked_as_it_is_set(double, person):
    backend = backend_of(double.url)
    backend.chatmodel_set.update(system_message="Be brief.", max_output_tokens=64)
    ask(backend, person)
    assert double.requests[0]["messages"][0] == {"role": "system", "content": "Be brief."}
    assert double.requests[0]["max_tokens"] == 64
    backend.chatmodel_set.update(max_characters=5)
    with pytest.raises(Refused) as refused:
        trial.prepare(backend, "org/vision", "Hello!", "", person)
    assert (refused.value.code, refused.value.limit) == ("message_too_long", 5)


@pytest.mark.parametrize("picture", trial.PICTURES)
def test_a_shipped_picture_goes_along_and_no_row_of_it_is_made(double, person, picture):
    *_, done = ask(backend_of(double.url), person, picture=picture)
    assert "done" in done
    [image, text] = double.requests[0]["messages"][0]["content"]
    assert image["image_url"]["url"].startswith("data:image/jpeg;base64,")
    assert text["text"] == "Hello?"
    assert not Image.objects.exists()


@pytest.mark.parametrize(
    ("picture", "most", "code"),
    [("../../manage.py", 4, "image_unknown"), ("chart.png", 0, "too_many_images")],
)
def test_a_picture_that_is_none_of_ours_or_that_the_model_does_not_take_is_refused(
    double, person, picture, most, code
):
    backend = backend_of(double.url)
    backend.chatmodel_set.update(max_images=most)
    with pytest.raises(Refused) as refused:
        trial.prepare(backend, "org/vision", "Hello?", picture, person)
    assert refused.value.code == code


def test_what_a_server_does_not_take_is_left_out_as_for_replies(double, person):
    def picky(body):
        for name in ("temperature", "top_p", "repetition_penalty"):
            if name in body:
                return 400, {
                    "error": {"message": f"Unsupported parameter: '{name}' is not supported with this model."}
                }
        return spoken("Fine")

    double.answer = picky
    backend = backend_of(double.url)
    backend.chatmodel_set.update(repetition_penalty=1.2)
    *_, done = ask(backend, person)
    assert "done" in done
    assert len(double.requests) == 4
    assert double.requests[0]["repetition_penalty"] == 1.2
    double.answer = (
        400,
        {"error": {"message": "Unsupported parameter: 'top_p' is not supported with this model."}},
    )
    [said] = ask(Backend.objects.get(), person)
    assert said["error"]["code"] == "worker_parameter_refused"  # of one that it was not even sent again


def test_a_failure_is_the_last_that_is_said_by_its_name_and_without_the_key(double, person, monkeypatch):
    monkeypatch.setenv("VISION_API_KEY", "sk-not-the-key")
    double.key = "the-key"
    [said] = ask(backend_of(double.url, key_variable="VISION_API_KEY"), person)
    assert said["error"]["code"] == "worker_unauthorised"
    assert said["error"]["text"]
    assert "sk-not-the-key" not in json.dumps(said)
    [said] = ask(backend_of(f"http://127.0.0.1:{free_port()}"), person)
    assert said["error"]["code"] == "worker_refused"


def test_a_controller_names_the_worker_and_a_built_in_one_too(person):
    controller = Controller()
    model, dead = "llava-v1.5-7b", f"http://127.0.0.1:{free_port()}"
    backend = backend_of(controller.url, "controller", model)
    try:
        [said] = ask(backend, person, model)
        assert said["error"]["code"] == "no_worker"
        controller.workers[dead] = {"model_names": [model], "speed": 1, "queue_length": 0}
        [said] = ask(backend, person, model)
        assert said["error"]["code"] == "worker_refused"
    finally:
        controller.close()
    here = backend_of("", Backend.Kind.BUILT_IN, model)
    assert ask(here, person, model)[0]["error"]["code"] == "no_worker"
    Worker.objects.create(address=dead, model_names=[model], last_heartbeat=timezone.now())
    assert ask(here, person, model)[0]["error"]["code"] == "worker_refused"
    assert Worker.objects.get().queue_length == 1  # as for any reply


def test_whoever_stops_reading_ends_it_at_the_server(double, person):
    double.answer = [delta(content="Hello"), threading.Event()]
    prepared = trial.prepare(backend_of(double.url), "org/vision", "Hello?", "", person)

    async def read_one_and_leave():
        lines = trial.answer(prepared)
        assert json.loads(await anext(lines)) == {"text": "Hello"}
        assert trial._running == 1
        await lines.aclose()

    asyncio.run(read_one_and_leave())
    assert double.client_gone.wait(5)
    assert trial._running == 0


def test_a_cancelled_request_ends_it_too(double, person):
    double.answer = [delta(content="Hello"), threading.Event()]
    prepared = trial.prepare(backend_of(double.url), "org/vision", "Hello?", "", person)

    async def read_until_cancelled():
        async def read():
            return [line async for line in trial.answer(prepared)]

        task = asyncio.create_task(read())
        while trial._running == 0 or not double.requests:
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(read_until_cancelled())
    assert double.client_gone.wait(5)
    assert trial._running == 0


def test_a_few_at_once_are_enough(double, person, monkeypatch):
    monkeypatch.setattr(trial, "_running", trial.MOST_AT_ONCE)
    with pytest.raises(Refused) as refused:
        trial.prepare(backend_of(double.url), "org/vision", "Hello?", "", person)
    assert refused.value.code == "too_many_trials"
    assert not AuditEntry.objects.exists()
