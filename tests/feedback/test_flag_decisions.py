"""What moderators decide about flags."""

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from chat.models import AuditEntry
from feedback.admin.flags import FlagAdmin
from feedback.flags import flag
from feedback.models import Flag
from feedback.review.verdicts import judge
from tests.feedback.stories import exchange, make_conversation

pytestmark = pytest.mark.django_db
LIST = "/admin/feedback/flag/"


@pytest.fixture
def flagged():
    reply = exchange(make_conversation())
    flag(reply.conversation.visitor_id, reply.pk, "harmful", "Look at this")
    return Flag.objects.get()


def browser_with(*codenames):
    user = User.objects.create_user("moderator", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client = Client()
    client.force_login(user)
    return client, user


def choose(client, action, flag):
    return client.post(LIST, {"action": action, "_selected_action": [flag.pk]}, follow=True)


@pytest.mark.parametrize(("action", "state"), [("uphold", "upheld"), ("dismiss", "dismissed")])
def test_a_decision_names_its_reviewer_and_is_in_the_audit_log(flagged, action, state):
    client, user = browser_with("view_flag", "change_flag")
    page = choose(client, action, flagged).content.decode()
    assert f"1 flag changed to “{state}”." in page
    flagged.refresh_from_db()
    assert (flagged.state, flagged.reviewer) == (state, user)
    assert flagged.reviewed is not None
    entry = AuditEntry.objects.get()
    assert (entry.actor, entry.action, entry.target) == (user, f"flag_{state}", f"flag {flagged.pk}")
    assert entry.detail == {"message": str(flagged.message_id), "before": "open", "note": ""}


def test_the_first_decision_keeps_its_name_and_time(flagged):
    first, second = User.objects.create_user("first"), User.objects.create_user("second")
    assert judge(Flag.objects.all(), Flag.State.UPHELD, first, "clear") == 1
    flagged.refresh_from_db()
    when = flagged.reviewed
    assert judge(Flag.objects.all(), Flag.State.UPHELD, second) == 0
    flagged.refresh_from_db()
    assert (flagged.reviewer, flagged.reviewed, flagged.note) == (first, when, "clear")
    assert AuditEntry.objects.count() == 1


def test_a_decision_can_be_taken_back(flagged):
    client, _ = browser_with("view_flag", "change_flag")
    choose(client, "dismiss", flagged)
    choose(client, "reopen", flagged)
    flagged.refresh_from_db()
    assert flagged.state == Flag.State.OPEN
    assert list(AuditEntry.objects.order_by("pk").values_list("action", flat=True)) == [
        "flag_dismissed",
        "flag_open",
    ]


def test_somebody_who_may_only_look_decides_nothing(flagged):
    client, _ = browser_with("view_flag")
    assert "uphold" not in client.get(LIST).content.decode()
    choose(client, "uphold", flagged)
    client.post(f"{LIST}{flagged.pk}/change/", {"note": "mine", "state": "upheld"})
    flagged.refresh_from_db()
    assert (flagged.state, flagged.note) == ("open", "")
    assert not AuditEntry.objects.exists()


def test_a_note_can_be_written_and_what_the_visitor_said_cannot(flagged):
    client, user = browser_with("view_flag", "change_flag")
    form = {"note": "Seen", "reason": "other", "comment": "forged", "state": "upheld"}
    assert client.post(f"{LIST}{flagged.pk}/change/", form).status_code == 302
    flagged.refresh_from_db()
    assert (flagged.note, flagged.reason, flagged.comment, flagged.state) == (
        "Seen",
        "harmful",
        "Look at this",
        "open",
    )
    entry = AuditEntry.objects.get()
    assert (entry.actor, entry.action, entry.detail) == (user, "flag_note", {"note": "Seen"})


def test_a_note_undoes_no_decision_that_came_while_it_was_written(flagged, monkeypatch):
    client, user = browser_with("view_flag", "change_flag")
    save = FlagAdmin.save_model

    def decided_first(*arguments):
        judge(Flag.objects.all(), Flag.State.UPHELD, user)
        save(*arguments)

    monkeypatch.setattr(FlagAdmin, "save_model", decided_first)
    client.post(f"{LIST}{flagged.pk}/change/", {"note": "Seen"})
    flagged.refresh_from_db()
    assert (flagged.note, flagged.state, flagged.reviewer) == ("Seen", "upheld", user)


def test_flags_cannot_be_invented_or_deleted(flagged):
    client, _ = browser_with("view_flag", "change_flag", "add_flag", "delete_flag")
    assert client.get(reverse("admin:feedback_flag_add")).status_code == 403
    assert client.post(f"{LIST}{flagged.pk}/delete/", {"post": "yes"}).status_code == 403
    assert Flag.objects.exists()
