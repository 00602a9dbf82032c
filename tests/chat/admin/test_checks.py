"""Content checks in the administration: set up with clear errors, put in order, and tried."""

import io

import pytest
from django.urls import reverse

from chat.kept import Kept
from chat.models import AuditEntry, CheckThreshold, ModerationCheck, ModerationEvent, Stage
from chat.moderation.stored import checks_for
from tests.chat.admin.conftest import browser_of
from tests.chat.images.pictures import encoded, noisy
from tests.chat.moderation.conftest import Service, make_check, running
from tests.feedback.stories import make_model

pytestmark = pytest.mark.django_db
LIST, TEST = reverse("admin:chat_moderationcheck_changelist"), reverse("admin:chat_moderationcheck_test")
ADD = reverse("admin:chat_moderationcheck_add")
THRESHOLDS = {"thresholds-TOTAL_FORMS": 0, "thresholds-INITIAL_FORMS": 0}
LISTS = {
    "name": "words",
    "position": 1,
    "enabled": "on",
    "on_messages": "on",
    "words": "gunpowder",
    "outcome": "held",
}
SERVICE = {
    "name": "service", "position": 2, "enabled": "on", "on_replies": "on", "on_text": "on", "on_images": "on",
    "outcome": "refused", "url": "https://127.0.0.1/v1/moderations", "key_variable": "CHECK_API_KEY",
    "timeout": "3", "when_down": "open",
}  # fmt: skip


def add(office, kind, form, **changes):
    form = {name: value for name, value in {**form, **THRESHOLDS, **changes}.items() if value is not None}
    return office.post(f"{ADD}?kind={kind}", form)


def errors(answer):
    return {name: " ".join(told) for name, told in answer.context["adminform"].form.errors.items()}


def test_a_new_check_is_asked_for_its_kind_first(office):
    page = office.get(ADD).content.decode()
    assert 'href="?kind=lists"' in page
    assert 'href="?kind=openai"' in page
    form = office.get(f"{ADD}?kind=lists").content.decode()
    assert 'name="words"' in form
    assert 'name="url"' not in form


def test_a_list_is_stored_with_its_thresholds_and_counts(office):
    thresholds = {
        "thresholds-TOTAL_FORMS": 1, "thresholds-0-category": "gunpowder", "thresholds-0-at_least": "0.5",
        "thresholds-0-outcome": "warned",
    }  # fmt: skip
    assert add(office, "lists", LISTS, **thresholds).status_code == 302
    check = ModerationCheck.objects.get()
    assert (check.kind, check.outcome, check.on_text, check.on_images) == ("lists", "held", True, False)
    assert CheckThreshold.objects.get().outcome == "warned"
    Kept.forget_all()
    assert [each.row.name for each in checks_for(Stage.MESSAGE)] == ["words"]


def test_a_service_is_stored_and_keeps_its_kind(office):
    assert add(office, "openai", SERVICE).status_code == 302
    check = ModerationCheck.objects.get()
    assert (check.kind, check.timeout, check.when_down, check.key_variable) == (
        "openai", 3, "open", "CHECK_API_KEY",
    )  # fmt: skip
    url = reverse("admin:chat_moderationcheck_change", args=[check.pk])
    assert office.post(f"{url}?kind=lists", {**SERVICE, **THRESHOLDS, "name": "renamed"}).status_code == 302
    check.refresh_from_db()
    assert (check.name, check.kind) == ("renamed", "openai")


@pytest.mark.parametrize(
    ("field", "changes", "words"),
    [
        ("expressions", {"expressions": "fine\n(\n\n[a"}, "Line 2: missing ): ("),
        ("expressions", {"expressions": "fine\n(\n\n[a"}, "Line 4: missing ]"),
        ("expressions", {"expressions": "(?=x)"}, "Line 1: invalid perl operator"),
        ("words", {"words": " \n"}, "List at least one word"),
        ("words", {"words": "a" * 10_001}, "10000"),
        ("name", {"name": "moderations"}, "The check of --moderate has this name"),
        ("name", {"name": "taken"}, "already exists"),
        ("on_messages", {"on_messages": None}, "Choose messages, replies, or both"),
        ("outcome", {"outcome": "unavailable_refused"}, "not one of the available choices"),
    ],
)
def test_what_is_wrong_with_a_list_is_told_at_its_field(office, field, changes, words):
    make_check("taken")
    assert words in errors(add(office, "lists", LISTS, **changes))[field]
    assert ModerationCheck.objects.count() == 1


@pytest.mark.parametrize(
    ("field", "changes", "words"),
    [
        ("url", {"url": "ftp://127.0.0.1"}, "Give the address as http:// or https://"),
        ("url", {"url": "http://203.0.113.7/v1/moderations"}, "The site may not go to this address"),
        ("url", {"url": "http://[::1/"}, "This address can't be used"),
        ("key_variable", {"key_variable": "MMCHAT_SECRET_KEY"}, "ends in _API_KEY"),
        ("on_text", {"on_text": None, "on_images": None}, "Choose text, images, or both"),
        ("timeout", {"timeout": "0"}, "0.1"),
        ("timeout", {"timeout": "3600"}, "60"),
    ],
)
def test_what_is_wrong_with_a_service_is_told_at_its_field(office, field, changes, words):
    assert words in errors(add(office, "openai", SERVICE, **changes))[field]
    assert not ModerationCheck.objects.exists()


@pytest.mark.parametrize("score", ["-0.1", "1.1", "high"])
def test_a_threshold_outside_of_0_to_1_is_refused(office, score):
    thresholds = {
        "thresholds-TOTAL_FORMS": 1, "thresholds-0-category": "x", "thresholds-0-at_least": score,
        "thresholds-0-outcome": "held",
    }  # fmt: skip
    answer = add(office, "lists", LISTS, **thresholds)
    assert answer.context["inline_admin_formsets"][0].formset.errors[0]["at_least"]


def test_the_list_says_when_nothing_is_checked_and_puts_checks_in_order(office, settings):
    assert "Nothing is checked" in office.get(LIST).content.decode()
    settings.MMCHAT_MODERATE = True
    assert "The check of --moderate" in office.get(LIST).content.decode()
    one, two = make_check("one"), make_check("two", position=1)
    rows = {f"form-{place}-id": row.pk for place, row in enumerate((one, two))}
    form = {
        **rows, "form-TOTAL_FORMS": 2, "form-INITIAL_FORMS": 2, "_save": "Save",
        "form-0-position": 2, "form-0-enabled": "on", "form-1-position": 1, "form-1-dry_run": "on",
    }  # fmt: skip
    assert office.post(LIST, form).status_code == 302
    assert list(ModerationCheck.objects.values_list("name", "position", "enabled", "dry_run")) == [
        ("two", 1, False, True),
        ("one", 2, True, False),
    ]


def test_a_deletion_is_in_the_audit_log(office):
    check = make_check()
    office.post(reverse("admin:chat_moderationcheck_delete", args=[check.pk]), {"post": "yes"})
    assert AuditEntry.objects.get().target == f"moderationcheck {check.pk}"


def tried(office, **form):
    return office.post(TEST, {"stage": "message", **form})


def rows_of(answer):
    return [
        (step.check.row.name, step.decision.outcome if step.decision else step.why_not)
        for step in answer.context["trial"].steps
    ]


def test_a_text_is_tried_against_all_checks_and_nothing_is_stored(office):
    make_check("dry", position=1, words="gunpowder", dry_run=True)
    make_check("warns", position=2, words="gunpowder", outcome="warned")
    make_check("off", position=3, words="gunpowder", enabled=False)
    make_check("replies", position=4, words="gunpowder", on_messages=False, on_replies=True)
    make_check("images", position=5, kind="openai", on_text=False, on_images=True)
    make_check("refuses", position=6, words="gunpowder")
    make_check("late", position=7, words="gunpowder")
    answer = tried(office, text="How do I make gunpowder?")
    assert rows_of(answer) == [
        ("dry", "refused"), ("warns", "warned"), ("off", "off"), ("replies", "not_for"), ("images", "nothing"),
        ("refuses", "refused"), ("late", "over"),
    ]  # fmt: skip
    page = answer.content.decode()
    assert "Outcome: refused" in page
    assert "This message was not sent" in page
    assert not ModerationEvent.objects.exists()


def test_a_reply_of_a_model_is_tried_as_one(office):
    one, other = make_model("one"), make_model("other")
    make_check("replies", words="gunpowder", on_messages=False, on_replies=True).for_models.add(one)
    answer = tried(office, text="Take gunpowder.", stage="reply", model=one.pk)
    assert rows_of(answer) == [("replies", "refused")]
    assert "This reply is not shown" in answer.content.decode()
    assert rows_of(tried(office, text="Take gunpowder.", stage="reply", model=other.pk)) == [
        ("replies", "not_for")
    ]


def test_an_image_is_tried(office):
    file = io.BytesIO(encoded(noisy(30, 20)))
    file.name = "noise.png"
    with running(Service()) as service:
        make_check("pictures", kind="openai", url=service.url, on_images=True)
        answer = tried(office, image=file)
    assert rows_of(answer) == [("pictures", "allowed")]
    assert len(service.requests) == 1


def test_what_can_not_be_tried_is_told(office):
    assert "Write a text, or add an image" in tried(office).content.decode()
    assert "Select a valid choice" in tried(office, text="x", stage="else").content.decode()
    broken = io.BytesIO(b"\x89PNG\r\n\x1a\nbroken")
    broken.name = "broken.png"
    assert tried(office, image=broken).context["form"].errors["image"]
    assert "There is no check yet" in tried(office, text="x").content.decode()


def test_text_that_was_tried_is_shown_as_text(office):
    page = tried(office, text="<script>alert(1)</script>").content.decode()
    assert "<script>alert" not in page


@pytest.mark.parametrize("kind", ["lookalikes", "classifier"])
def test_a_check_of_images_alone_is_set_up_to_hold(office, kind):
    page = office.get(f"{ADD}?kind={kind}")
    assert page.context["adminform"].form.initial["outcome"] == "held"
    form = {
        "name": kind,
        "position": 1,
        "enabled": "on",
        "outcome": "held",
        "timeout": 5,
        "when_down": "closed",
    }
    assert add(office, kind, form).status_code == 302
    check = ModerationCheck.objects.get()
    assert (check.kind, check.on_messages, check.on_text, check.on_images) == (kind, True, False, True)
    url = reverse("admin:chat_moderationcheck_change", args=[check.pk])
    assert office.post(url, {**form, **THRESHOLDS, "outcome": "refused"}).status_code == 302
    check.refresh_from_db()
    assert (check.outcome, check.on_messages, check.on_text, check.on_images) == (
        "refused",
        True,
        False,
        True,
    )


def test_a_classifier_that_is_not_installed_is_told_with_the_command(office, monkeypatch):
    monkeypatch.setattr("chat.admin.checks.is_installed", lambda: False)
    form = {"name": "x", "position": 1, "outcome": "held", "timeout": 5, "when_down": "closed"}
    told = errors(add(office, "classifier", form))["__all__"]
    assert "requirements-image-check.txt" in told


def test_who_may_only_look_at_checks_tries_them_and_changes_none(staff):
    check = make_check(words="gunpowder")
    moderator = browser_of(staff("chat.view_moderationcheck", "chat.view_checkthreshold"))
    page = moderator.get(LIST).content.decode()
    assert TEST in page
    assert ADD not in page
    assert rows_of(tried(moderator, text="gunpowder")) == [("words", "refused")]
    assert moderator.post(f"{ADD}?kind=lists", {**LISTS, **THRESHOLDS}).status_code == 403
    change = reverse("admin:chat_moderationcheck_change", args=[check.pk])
    assert moderator.post(change, {**LISTS, **THRESHOLDS, "name": "renamed"}).status_code == 403
    check.refresh_from_db()
    assert check.name == "words"
