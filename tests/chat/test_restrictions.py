"""What is hidden or blocked, until when, and the log of it that stays."""

import datetime

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from chat.generation import records
from chat.models import AuditEntry, Message, Visitor
from chat.models.audit import AuditEntryChanged
from chat.refusals import Refused
from chat.restrictions import Grounds, block_image, block_visitor, hide_reply, lift
from chat.turns import start
from tests.chat.factories import make_conversation, make_turn, make_visitor
from tests.chat.test_turns import send
from tests.feedback.stories import ask, make_upload

pytestmark = pytest.mark.django_db


@pytest.fixture
def person():
    return User.objects.create_user("moderator")


def hours(number):
    return timezone.now() + datetime.timedelta(hours=number)


def test_a_hidden_reply_is_left_out_until_its_time_is_over(person):
    _, reply = make_turn(make_conversation())
    hide_reply(reply, Grounds(person, "Wrong", hours(1)))
    assert reply not in Message.objects.not_hidden()
    assert Message.objects.not_hidden().count() == 1
    reply.hidden.update(until=hours(-1))
    assert reply in Message.objects.not_hidden()


def test_only_replies_are_hidden(person):
    question, _ = make_turn(make_conversation())
    with pytest.raises(Refused, match="not_a_reply"):
        hide_reply(question, Grounds(person, "Wrong"))
    assert not AuditEntry.objects.exists()


def test_a_blocked_visitor_is_found_by_whoever_closes_sockets_until_the_time_is_over(person):
    blocked, free = make_visitor(), make_visitor()
    block = block_visitor(blocked, Grounds(person, "Spam", hours(1)))
    both = [blocked.key, free.key]
    assert records.blocked(both) == {blocked.key}
    assert list(Visitor.objects.blocked()) == [blocked]
    blocked.blocks.update(until=hours(-1))
    assert records.blocked(both) == set()
    again = block_visitor(blocked, Grounds(person, "Spam"))
    assert records.blocked(both) == {blocked.key}
    assert lift(again, person)
    assert records.blocked(both) == set()
    assert not block.holds or block.until > timezone.now()


def test_each_step_is_in_the_audit_log_with_its_reason_and_end(person):
    visitor = make_visitor()
    end = hours(1)
    block = block_visitor(visitor, Grounds(person, " Spam ", end))
    lift(block, person)
    made, lifted = AuditEntry.objects.order_by("pk")
    assert (made.actor, made.action, made.target) == (person, "block_visitor", f"visitor {visitor.pk}")
    assert made.detail == {"row": block.pk, "reason": "Spam", "until": end.isoformat()}
    assert (lifted.actor, lifted.action) == (person, "lift_blockedvisitor")


def test_nothing_changes_or_deletes_an_entry_of_the_audit_log(person):
    entry = AuditEntry.objects.create(actor=person, action="export")
    entry.action = "nothing"
    copy = AuditEntry(pk=entry.pk, action="nothing")
    for attempt in (
        entry.save,
        entry.delete,
        AuditEntry.objects.all().delete,
        lambda: AuditEntry.objects.update(action="nothing"),
        lambda: AuditEntry.objects.bulk_update([entry], ["action"]),
        lambda: AuditEntry.objects.update_or_create(pk=entry.pk, defaults={"action": "nothing"}),
    ):
        with pytest.raises(AuditEntryChanged):
            attempt()
    assert AuditEntry.objects.get().action == "export"
    assert copy._state.adding  # it would be added, and its number is taken


def test_a_model_is_not_sent_a_picture_that_was_blocked_after_it_was_sent_first(person, settings, tmp_path):
    settings.STORAGES = settings.STORAGES | {
        "default": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(tmp_path)},
        }
    }
    conversation = make_conversation()
    visitor = conversation.visitor
    upload = make_upload(visitor)
    question = ask(conversation, "What is it?", uploads=[upload])
    reply = Message.objects.create(
        conversation=conversation, parent=question, position=1, role="assistant", text="A cat."
    )
    frame = send(conversation.model, conversation=conversation.pk, parent=reply.pk)
    block = block_image(upload.image, Grounds(person, "Gore"))
    with pytest.raises(Refused, match="image_blocked"):
        start(visitor.key, None, frame, visitor.key)
    assert conversation.messages.count() == 2
    lift(block, person)
    assert start(visitor.key, None, frame, visitor.key).fresh
