"""Backends in the admin: asked before they are saved, and each thing that is wrong told beside its field."""

import pytest
from django.utils import timezone

from chat.models import AuditEntry, Backend, ChatModel, Placement, Worker
from tests.chat.admin.conftest import browser_of
from tests.chat.admin.pages import address
from tests.chat.test_detection import Worker as Answering
from tests.openai_double import OpenAI
from tests.running import free_port

pytestmark = pytest.mark.django_db


@pytest.fixture
def double():
    double = OpenAI("org/vision")
    yield double
    double.close()


def post(office, url, backend=None, **fields):
    form = {
        "name": "b",
        "kind": "openai",
        "url": url,
        "key_variable": "",
        "taken": "",
        "enabled": "on",
    } | fields
    form |= {f"placements-{name}": 0 for name in ("TOTAL_FORMS", "INITIAL_FORMS")}
    page = address(Backend, "change", backend.pk) if backend else address(Backend, "add")
    return office.post(page, {name: value for name, value in form.items() if value is not None})


def errors_of(response):
    assert response.status_code == 200, "it was saved"
    return response.context["adminform"].form.errors


def test_a_server_that_answers_is_saved_with_its_models_at_once(office, double):
    response = post(office, double.root)
    backend = Backend.objects.get()
    assert backend.url == double.url
    assert list(ChatModel.objects.shown().values_list("name", flat=True)) == ["org/vision"]
    assert (backend.last_error, backend.last_reached is not None) == ("", True)
    page = office.get(response.url).content.decode()
    assert "serves 1 model." in page
    assert " ms</td>" in page


def test_the_kind_is_found_out_unless_it_is_chosen(office, double):
    assert 'value="" selected' in office.get(address(Backend, "add")).content.decode()
    response = post(office, double.root, kind="")
    backend = Backend.objects.get()
    assert (backend.kind, backend.url) == ("openai", double.url)
    assert "Found: an OpenAI-compatible server." in office.get(response.url).content.decode()


def test_the_kind_is_wanted_where_nobody_is_asked(office, double):
    assert list(errors_of(post(office, double.url, kind="", unchecked="on"))) == ["kind"]
    # A form that has other faults is not scolded for this one.
    assert list(errors_of(post(office, double.url, kind="", name=""))) == ["name"]
    assert double.seen == []


def test_one_that_does_not_answer_is_told_beside_the_address_and_nothing_is_lost(office):
    url = f"http://127.0.0.1:{free_port()}/v1"
    response = post(office, url, name="The new one", taken="org/*")
    errors = errors_of(response)
    assert list(errors) == ["url"]
    assert errors.as_data()["url"][0].code == "worker_refused"
    assert "Is the server running" in errors["url"][0]
    page = response.content.decode()
    assert all(typed in page for typed in (url, "The new one", "org/*"))
    assert not Backend.objects.exists()


@pytest.mark.parametrize("how", [{"unchecked": "on"}, {"enabled": None}])
def test_it_can_be_saved_all_the_same(office, how):
    post(office, f"http://127.0.0.1:{free_port()}/v1/", **how)
    assert Backend.objects.get().url.endswith("/v1")


def test_what_was_asked_when_it_was_saved_is_not_asked_for_another_name(office, double):
    post(office, double.url)
    backend = Backend.objects.get()
    double.close()
    post(office, double.url, backend, name="Another")
    assert Backend.objects.get().name == "Another"
    errors = errors_of(post(office, double.url, backend, name="Another", taken="org/*"))
    assert list(errors) == ["url"]


def test_a_key_that_is_missing_or_refused_is_told_beside_its_variable(office, double, monkeypatch):
    double.key = "the-key"
    monkeypatch.setenv("VISION_API_KEY", "not-the-key")
    response = post(office, double.url, key_variable="VISION_API_KEY")
    assert errors_of(response).as_data()["key_variable"][0].code == "worker_unauthorised"
    assert "not-the-key" not in response.content.decode()
    response = post(office, double.url, key_variable="MISSING_API_KEY")
    assert errors_of(response).as_data()["key_variable"][0].code == "worker_key_missing"


@pytest.mark.parametrize("name", ["sk-proj-123", "MMCHAT_SECRET_KEY", "DATABASE_URL", "my_api_key"])
def test_a_variable_that_is_not_for_backends_is_refused(office, double, name):
    assert list(errors_of(post(office, double.url, key_variable=name))) == ["key_variable"]
    assert double.seen == []


@pytest.mark.parametrize(
    "url", ["https://user:secret@host/v1", "https://host/v1?key=1", "https://host/v1#a", "http://a b/v1"]
)
def test_an_address_may_hold_no_secret_and_nothing_odd(office, url):
    assert list(errors_of(post(office, url, unchecked="on"))) == ["url"]


def test_too_many_models_are_told_beside_the_field_that_chooses(office, double):
    double.models = [f"m{number}" for number in range(10_000)]
    errors = errors_of(post(office, double.url))
    assert "10000" in errors["taken"][0]
    post(office, double.url, taken="m99\nm98*")
    assert sorted(ChatModel.objects.values_list("name", flat=True)) == sorted(
        ["m98", "m99", *(f"m98{digit}" for digit in range(10)), *(f"m98{number:02}" for number in range(100))]
    )


def well(office):
    page = office.get(address(Backend, "changelist")).content.decode()
    return page.split('<td class="field-is_well">')[1].split("</td>")[0]


def test_what_nobody_has_asked_yet_is_neither_well_nor_ill(office):
    Backend.objects.create(name="b", kind="openai", url="http://127.0.0.1:1")
    assert "icon-unknown.svg" in well(office)
    Backend.objects.update(kind=Backend.Kind.BUILT_IN)
    assert "icon-unknown.svg" in well(office)


def test_the_list_of_backends_shows_health_and_latency(office, double):
    post(office, double.url)
    assert "icon-yes.svg" in well(office)
    Backend.objects.update(last_error="controller_unreachable: worker_refused: nobody is there")
    assert "icon-no.svg" in well(office)
    page = office.get(address(Backend, "changelist")).content.decode()
    assert "controller_unreachable: worker_refused<" in page
    assert double.url in page


def test_other_backends_and_their_models_are_untouched_by_a_failed_one(office, double):
    post(office, double.url)
    post(office, f"http://127.0.0.1:{free_port()}", name="dead", unchecked="on")
    assert Placement.objects.filter(listed=True).count() == 1
    assert office.get("/models/").json()["available"] is True


# Check now, and Try a prompt


def check(browser, backend, **more):
    return browser.post(address(Backend, "check", backend.pk), headers={"accept": "application/json"}, **more)


@pytest.fixture
def backend(double):
    return Backend.objects.create(name="b", kind="openai", url=double.url)


def test_a_backend_is_checked_now_and_what_it_said_is_stored(office, double, backend):
    said = check(office, backend).json()
    assert (said["is_well"], said["models"]) == (True, ["org/vision"])
    assert "lists 1 model: org/vision" in said["text"]
    backend.refresh_from_db()
    assert backend.seconds > 0
    assert list(ChatModel.objects.shown().values_list("name", flat=True)) == ["org/vision"]
    double.key = "the-key"
    said = check(office, backend).json()
    assert said["is_well"] is False
    assert "worker_unauthorised" in said["text"]
    backend.refresh_from_db()
    assert backend.last_error.startswith("worker_unauthorised")
    assert ChatModel.objects.shown().exists()  # the last list stays


def test_one_that_lists_nothing_any_more_is_told_and_its_models_go(office, double, backend):
    check(office, backend)
    double.models = []
    said = check(office, backend).json()
    assert "backend_lists_nothing" in said["text"]
    assert not ChatModel.objects.shown().exists()
    backend.refresh_from_db()
    assert backend.last_error == ""


def test_one_whose_address_lacks_the_v1_is_told_so(office, double, backend):
    Backend.objects.update(url=double.root)
    assert double.url in check(office, backend).json()["text"]


def test_the_built_in_controller_asks_its_workers(office):
    built_in = Backend.objects.create(name="here", kind=Backend.Kind.BUILT_IN)
    assert "No worker answers" in check(office, built_in).json()["text"]
    worker = Answering()
    Worker.objects.create(address=worker.url, model_names=["old"], last_heartbeat=timezone.now())
    try:
        said = check(office, built_in).json()
    finally:
        worker.close()
    assert (said["is_well"], said["models"]) == (True, ["llava-v1.5-7b"])


def test_without_a_script_the_answer_is_on_the_next_page(office, double, backend):
    response = office.post(address(Backend, "check", backend.pk), follow=True)
    assert response.redirect_chain == [(address(Backend, "change", backend.pk), 302)]
    assert "lists 1 model" in response.content.decode()
    assert "Try a prompt" in response.content.decode()


def test_several_are_checked_from_the_list(office, double, backend):
    dead = Backend.objects.create(name="dead", kind="openai", url=f"http://127.0.0.1:{free_port()}")
    chosen = {"action": "check_selected", "_selected_action": [backend.pk, dead.pk]}
    page = office.post(address(Backend, "changelist"), chosen, follow=True).content.decode()
    assert "Backend b: It answered in" in page
    assert "Backend dead: Nothing accepts connections" in page


def test_checking_and_trying_need_the_permission_to_change_backends(staff, double, backend):
    viewer = browser_of(staff("chat.view_backend"))
    assert check(viewer, backend).status_code == 403
    assert viewer.post(address(Backend, "try", backend.pk)).status_code == 403
    page = viewer.get(address(Backend, "change", backend.pk)).content.decode()
    assert "Check now" not in page
    assert double.seen == []
    changer = browser_of(staff("chat.view_backend", "chat.change_backend"))
    assert check(changer, backend).status_code == 200
    assert changer.get(address(Backend, "check", backend.pk)).status_code == 405
    assert changer.post(address(Backend, "check", 0)).status_code == 404


@pytest.mark.parametrize(
    ("asked", "code", "field"),
    [
        ({"model": "another", "prompt": "Hi"}, "model_unknown", "model"),
        ({"model": "a\0b", "prompt": "Hi"}, "model_unknown", "model"),
        ({"model": "org/vision", "prompt": "  "}, "message_empty", "prompt"),
        ({"model": "org/vision", "prompt": "x" * 20_000}, "message_too_long", "text"),
    ],
)
def test_a_prompt_that_can_not_be_tried_is_refused_by_its_field(office, backend, asked, code, field):
    check(office, backend)
    answer = office.post(address(Backend, "try", backend.pk), asked)
    assert answer.status_code == 400
    assert (answer.json()["error"]["code"], answer.json()["error"]["field"]) == (code, field)
    assert not AuditEntry.objects.exists()


def test_the_form_of_a_new_one_asks_and_tells_nothing_yet(office, backend):
    new = office.get(address(Backend, "add")).content.decode()
    assert "Last error" not in new
    assert "Models that it serves" not in new
    stored = office.get(address(Backend, "change", backend.pk)).content.decode()
    assert "Last error" in stored
    assert "Models that it serves" in stored
    assert "None" not in stored


def test_the_built_in_controller_is_one_and_stays_it(office, double, backend):
    assert "kind" in errors_of(post(office, "", kind="built_in", name="another"))
    assert "kind" in errors_of(post(office, backend.url, backend, kind="built_in"))
    built_in = Backend.objects.create(kind=Backend.Kind.BUILT_IN, name="built-in")
    assert "kind" in errors_of(post(office, double.url, built_in, kind="openai"))
    assert post(office, "", built_in, kind="built_in", name="ours", concurrency="3").status_code == 302
    built_in.refresh_from_db()
    assert (built_in.kind, built_in.name, built_in.concurrency) == ("built_in", "ours", 3)
