"""Models, backends and workers in the admin."""

import datetime

import pytest
from django.utils import timezone

from chat.models import AuditEntry, Backend, ChatModel, ParameterRange, Worker
from tests.chat.admin.pages import address
from tests.feedback.stories import make_conversation, make_model

pytestmark = pytest.mark.django_db


def rows_form(rows, *fields):
    """Give what the form of a list posts."""
    form = {
        "form-TOTAL_FORMS": len(rows),
        "form-INITIAL_FORMS": len(rows),
        "form-MIN_NUM_FORMS": 0,
        "form-MAX_NUM_FORMS": 1000,
        "_save": "Save",
    }
    for number, row in enumerate(rows):
        form[f"form-{number}-id"] = row.pk
        for field in fields:
            value = getattr(row, field)
            if value is not False:
                form[f"form-{number}-{field}"] = value
    return form


def test_title_position_and_enabled_are_edited_in_the_list(office):
    first, second = make_model("a"), make_model("b")
    form = rows_form([first, second], "title", "position", "enabled")
    form["form-0-title"], form["form-1-position"] = "The first", 7
    del form["form-0-enabled"]
    assert office.post(address(ChatModel, "changelist"), form).status_code == 302
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.title, first.position, first.enabled) == ("The first", 0, False)
    assert (second.title, second.position, second.enabled) == ("", 7, True)


def test_the_name_of_a_model_is_its_backends_and_stays(office):
    model = make_model("llava-v1.5-7b")
    assert change(office, model, name="another", title="T").status_code == 302
    model.refresh_from_db()
    assert (model.name, model.title) == ("llava-v1.5-7b", "T")


def change(office, model, **fields):
    form = {"name": model.name, "position": 0, "max_images": 4, "enabled": "on", "shown_in": "both"} | fields
    form |= {f"placements-{name}": 0 for name in ("TOTAL_FORMS", "INITIAL_FORMS")}
    return office.post(address(ChatModel, "change", model.pk), form)


def test_where_a_model_shows_and_its_limits_are_set(office):
    model = make_model("m")
    fields = {
        "shown_in": "link",
        "max_images": 0,
        "max_characters": 500,
        "max_turns": 3,
        "max_output_tokens": 64,
    }
    assert change(office, model, **fields).status_code == 302
    model.refresh_from_db()
    assert {name: getattr(model, name) for name in fields} == fields


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("max_images", 33),
        ("max_images", -1),
        ("max_characters", 0),
        ("max_turns", 0),
        ("max_output_tokens", 0),
        ("max_input_tiles", 0),
    ],
)
def test_a_limit_that_leaves_nothing_to_choose_is_refused_beside_its_field(office, field, value):
    response = change(office, make_model("m"), **{field: value, "title": "The new one"})
    assert list(response.context["adminform"].form.errors) == [field]
    assert "The new one" in response.content.decode()


def test_a_model_with_conversations_cannot_be_deleted(office):
    model = make_conversation().model
    office.post(address(ChatModel, "delete", model.pk), {"post": "yes"})
    assert ChatModel.objects.filter(pk=model.pk).exists()
    assert not AuditEntry.objects.exists()


def test_models_deleted_together_are_each_in_the_audit_log(office):
    models = [make_model("a"), make_model("b")]
    chosen = {"action": "delete_selected", "_selected_action": [model.pk for model in models], "post": "yes"}
    office.post(address(ChatModel, "changelist"), chosen)
    assert not ChatModel.objects.exists()
    assert sorted(AuditEntry.objects.values_list("detail__name", flat=True)) == ["a", "b"]


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"url": "10.0.0.1:21001"}, "url"),
        ({"url": ""}, "url"),
        ({"url": "ftp://host"}, "url"),
        ({"url": "http://[::1"}, "url"),
        ({"key_variable": "sk-proj-123"}, "key_variable"),
    ],
)
def test_a_backend_that_cannot_work_is_refused(office, fields, wrong):
    form = {"name": "b", "kind": "controller", "url": "http://127.0.0.1:21001", "key_variable": ""} | fields
    form |= {f"placements-{name}": 0 for name in ("TOTAL_FORMS", "INITIAL_FORMS")}
    response = office.post(address(Backend, "add"), form)
    assert list(response.context["adminform"].form.errors) == [wrong]
    assert not Backend.objects.exists()


def test_a_backend_shows_when_it_was_reached_and_its_last_error(office):
    backend = Backend.objects.create(
        name="b", url="http://x", last_error="connection refused", last_reached=timezone.now()
    )
    listed = office.get(address(Backend, "changelist")).content.decode()
    text = office.get(address(Backend, "change", backend.pk)).content.decode()
    assert "connection refused" in listed
    assert "connection refused" in text
    assert str(timezone.now().year) in text


def test_workers_show_whether_they_are_fresh(office, settings):
    now = timezone.now()
    late = now - datetime.timedelta(seconds=settings.MMCHAT_WORKER_EXPIRY + 30)
    for address_, beat, checks in (
        ("http://new", now, True),
        ("http://old", late, True),
        ("http://mute", late, False),
    ):
        Worker.objects.create(
            address=address_, last_heartbeat=beat, checks_heartbeat=checks, model_names=["m"]
        )
    rows = office.get(address(Worker, "changelist")).context["cl"].result_list
    assert {row.address: row.fresh_now for row in rows} == {
        "http://new": True,
        "http://old": False,
        "http://mute": True,
    }


def test_a_range_that_contradicts_itself_is_refused_in_the_list(office):
    ParameterRange.objects.all().delete()
    row = ParameterRange.objects.create(name="top_p", minimum=0, maximum=1, step=0.1, default=0.7)
    form = rows_form([row], "minimum", "maximum", "step", "default")
    form["form-0-default"] = 3
    page = office.post(address(ParameterRange, "changelist"), form).content.decode()
    assert "The default must lie between minimum and maximum." in page
    row.refresh_from_db()
    assert row.default == 0.7


def test_the_form_of_a_new_model_puts_it_last(office):
    make_model("a")
    ChatModel.objects.create(name="b", position=6)
    assert 'name="position" value="7"' in office.get(address(ChatModel, "add")).content.decode()
