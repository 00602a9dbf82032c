"""Models appear when a backend lists them, and keep an administrator's settings while they are away."""

import datetime

import pytest
from django.utils import timezone

from chat import registry
from chat.models import Backend, ChatModel, Placement
from tests.outside import Controller

pytestmark = pytest.mark.django_db


@pytest.fixture
def backend():
    return Backend.objects.create(name="far", kind=Backend.Kind.CONTROLLER, url="http://127.0.0.1:1")


def shown():
    return list(ChatModel.objects.shown().in_page_order().values_list("name", flat=True))


def test_new_names_become_models(backend):
    registry.store_list(backend, ["b", "a", "a"])
    assert shown() == ["a", "b"]


def test_a_new_model_stands_by_its_name_until_somebody_puts_models_into_an_order_and_last_from_then_on(
    backend,
):
    registry.store_list(backend, ["c", "b"])
    registry.store_list(backend, ["c", "b", "a"])
    assert shown() == ["a", "b", "c"]
    ChatModel.objects.filter(name="c").update(position=-1)
    registry.store_list(backend, ["c", "b", "a", "0"])
    registry.store_list(backend, ["c", "b", "a", "0", "00"])
    assert shown() == ["c", "a", "b", "0", "00"]
    ChatModel.objects.filter(name="00").update(position=2**31 - 1)
    registry.store_list(backend, ["c", "b", "a", "0", "00", "1"])
    assert shown() == ["c", "a", "b", "0", "00", "1"]


def test_a_model_that_goes_and_comes_back_keeps_its_settings(backend):
    registry.store_list(backend, ["a", "b"])
    ChatModel.objects.filter(name="a").update(title="The good one", position=-5)
    registry.store_list(backend, ["b"])
    assert shown() == ["b"]
    registry.store_list(backend, ["a", "b"])
    assert shown() == ["a", "b"]
    assert ChatModel.objects.get(name="a").title == "The good one"


def test_models_are_available_while_one_of_their_backends_answers(backend):
    near = Backend.objects.create(name="near", kind=Backend.Kind.CONTROLLER, url="http://127.0.0.1:2")
    registry.store_list(backend, ["a", "b"])
    registry.store_list(near, ["b"])
    Backend.objects.filter(name="far").update(last_error="controller_unreachable: it is")
    assert registry.page_models(for_staff=False)["available"] is True
    Backend.objects.filter(name="near").update(last_error="controller_unreachable: as well")
    models = registry.page_models(for_staff=True)
    assert models["available"] is False
    assert "as well" in models["reason"]


def test_the_last_list_stays_in_use_for_a_while_when_its_controller_fails(backend, settings):
    registry.store_list(backend, ["a"])
    registry.read_lists()
    assert registry.page_models(for_staff=True)["available"] is True
    registry.read_lists()  # the time of the first failure counts
    since = Backend.objects.get().failing_since
    Backend.objects.update(failing_since=since - datetime.timedelta(seconds=settings.MMCHAT_MODEL_LIST_KEEP))
    registry.read_lists()
    assert Backend.objects.get().failing_since < since
    assert registry.page_models(for_staff=False)["available"] is False


def test_a_model_that_was_listed_a_moment_ago_may_stay(backend):
    registry.store_list(backend, ["a", "b"])
    registry.store_list(backend, ["b"], keep=60)
    assert shown() == ["a", "b"]
    Placement.objects.update(last_listed=timezone.now() - datetime.timedelta(seconds=61))
    registry.store_list(backend, ["b"], keep=60)
    assert shown() == ["b"]


def test_the_same_name_on_two_backends_is_one_model(backend):
    other = Backend.objects.create(name="near", kind=Backend.Kind.CONTROLLER, url="http://127.0.0.1:2")
    registry.store_list(backend, ["a"])
    registry.store_list(other, ["a"])
    registry.store_list(backend, [])
    assert shown() == ["a"]
    registry.store_list(other, [])
    assert shown() == []


def test_a_name_that_no_model_can_have_is_left_out(backend):
    registry.store_list(backend, ["x" * 201, "", "a\0b", "ok"])
    assert shown() == ["ok"]


def test_reading_an_unreachable_controller_keeps_the_list_and_notes_why(backend):
    registry.store_list(backend, ["a"])
    registry.read_lists()
    backend.refresh_from_db()
    assert shown() == ["a"]
    assert backend.last_error.startswith("controller_unreachable")
    assert backend.last_checked is not None


def test_reading_a_controller_that_is_back_clears_the_error(backend):
    controller = Controller()
    try:
        controller.workers["http://127.0.0.1:9"] = {"model_names": ["a"], "speed": 1, "queue_length": 0}
        Backend.objects.update(url=controller.url, last_error="controller_unreachable: it was")
        registry.read_lists()
    finally:
        controller.close()
    backend.refresh_from_db()
    assert (backend.last_error, shown()) == ("", ["a"])
    assert [path for path, _ in controller.calls] == ["/refresh_all_workers", "/list_models"]


@pytest.mark.parametrize(("url", "kinds"), [("http://127.0.0.1:21001", {"controller"}), ("", {"built_in"})])
def test_the_option_decides_which_backend_is_in_use(settings, url, kinds):
    settings.MMCHAT_CONTROLLER_URL = "http://127.0.0.1:21001"
    registry.configure_backends()
    settings.MMCHAT_CONTROLLER_URL = url
    registry.configure_backends()
    assert set(Backend.objects.filter(enabled=True).values_list("kind", flat=True)) == kinds


def test_an_administrators_template_and_protocol_win_over_the_name():
    model = ChatModel(name="llava-v1.5-7b")
    assert (registry.protocol_of(model), registry.template_of(model)) == ("llava", "llava_v1")
    model.protocol, model.template = "internvl2", "Hermes-2"
    assert (registry.protocol_of(model), registry.template_of(model)) == ("internvl2", "Hermes-2")
