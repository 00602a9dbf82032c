import datetime

from django.utils import timezone

from chat.controller.workers import sync_built_in
from chat.models import Backend, ChatModel, Placement, Worker


def listed():
    return set(ChatModel.objects.shown().values_list("name", flat=True))


def silence(address):
    Worker.objects.filter(address=address).update(last_heartbeat=timezone.now() - datetime.timedelta(hours=1))


def test_a_model_appears_when_a_worker_registers_with_it(controller):
    controller.register(models=["new", "other"])
    assert listed() == {"new", "other"}
    assert {placement.backend.kind for placement in Placement.objects.all()} == {Backend.Kind.BUILT_IN}


def test_a_model_is_listed_no_more_when_its_last_worker_has_gone(controller):
    controller.register("http://127.0.0.1:1", ["a", "b"])
    controller.register("http://127.0.0.1:2", ["b"])
    silence("http://127.0.0.1:1")
    sync_built_in()
    assert listed() == {"b"}
    silence("http://127.0.0.1:2")
    sync_built_in()
    assert listed() == set()
    assert ChatModel.objects.filter(name__in=["a", "b"]).count() == 2


def test_a_model_is_listed_again_when_its_worker_beats_again(controller):
    controller.register()
    silence("http://127.0.0.1:1")
    sync_built_in()
    controller.post("receive_heart_beat", worker_name="http://127.0.0.1:1", queue_length=0)
    sync_built_in()
    assert listed() == {"m"}


def test_an_administrators_settings_survive_a_models_absence(controller):
    controller.register()
    ChatModel.objects.filter(name="m").update(title="My model", position=7, enabled=False)
    silence("http://127.0.0.1:1")
    sync_built_in()
    controller.register()
    model = ChatModel.objects.get(name="m")
    assert (model.title, model.position, model.enabled) == ("My model", 7, False)


def test_a_worker_that_changes_its_models_changes_the_list(controller):
    controller.register(models=["a", "b"])
    controller.register(models=["b", "c"])
    assert listed() == {"b", "c"}


def test_another_backends_placements_stay(controller):
    other = Backend.objects.create(name="theirs", kind=Backend.Kind.CONTROLLER, url="http://127.0.0.1:9")
    model = ChatModel.objects.create(name="theirs-too")
    Placement.objects.create(model=model, backend=other)
    controller.register()
    sync_built_in()
    assert listed() == {"m", "theirs-too"}


def test_nothing_is_written_when_nothing_has_changed(controller, django_assert_num_queries):
    controller.register()
    with django_assert_num_queries(2):
        sync_built_in()


def test_when_a_model_was_last_listed_is_kept(controller):
    controller.register()
    before = Placement.objects.get().last_listed
    silence("http://127.0.0.1:1")
    sync_built_in()
    assert Placement.objects.get().last_listed == before


def test_a_worker_of_fastchat_is_known_by_what_it_says_of_its_eyes(controller):
    controller.register("http://127.0.0.1:1", ["sees"], multimodal=True)
    controller.register("http://127.0.0.1:2", ["reads"], multimodal=False)
    controller.register("http://127.0.0.1:3", ["llava"])
    told = dict(Worker.objects.values_list("model_names__0", "protocol"))
    assert told == {"sees": "fastchat", "reads": "fastchat", "llava": ""}
    assert dict(ChatModel.objects.values_list("name", "max_images")) == {"sees": 4, "reads": 0, "llava": 4}


def test_a_worker_may_say_its_protocol_and_stays_known_by_it(controller):
    controller.register("http://127.0.0.1:1", ["any"], protocol="internvl2")
    assert Worker.objects.get().protocol == "internvl2"
    controller.register("http://127.0.0.1:1", ["any"])
    assert Worker.objects.get().protocol == ""


def test_what_an_administrator_set_of_a_model_without_eyes_stays(controller):
    controller.register("http://127.0.0.1:2", ["reads"], multimodal=False)
    ChatModel.objects.update(max_images=2)
    controller.register("http://127.0.0.1:2", ["reads", "more"], multimodal=False)
    assert ChatModel.objects.get(name="reads").max_images == 2
