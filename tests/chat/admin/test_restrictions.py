"""Hiding and blocking from the lists of the administration, and lifting it there."""

import datetime

import pytest
from django.contrib.auth.models import Group, User
from django.utils import timezone

from chat.models import AuditEntry, BlockedImage, BlockedVisitor, HiddenReply, Image, Message, Visitor
from feedback.models import Flag, Review
from feedback.review import claims
from feedback.review.decisions import Decision, Measure, decide
from tests.chat.admin.conftest import browser_of
from tests.chat.admin.pages import address
from tests.feedback.stories import exchange, make_conversation, make_upload, make_visitor

pytestmark = pytest.mark.django_db


@pytest.fixture
def moderator(db):
    user = User.objects.create_user("mod", is_staff=True)
    user.groups.add(Group.objects.get(name="moderator"))
    return user


@pytest.fixture
def browser(moderator):
    return browser_of(moderator)


def until(moment):
    return {"until_0": moment.strftime("%Y-%m-%d"), "until_1": moment.strftime("%H:%M:%S")}


def chosen(browser, model, action, row):
    return browser.post(
        address(model, "changelist"), {"action": action, "_selected_action": [row.pk]}, follow=True
    ).content.decode()


def test_a_reply_an_image_and_a_visitor_are_taken_away_and_given_back(browser, moderator):
    visitor = make_visitor()
    upload = make_upload(visitor)
    reply = exchange(make_conversation(visitor), uploads=[upload])
    end = timezone.now() + datetime.timedelta(days=3)
    for model, target in (
        (HiddenReply, {"message": reply.pk}),
        (BlockedImage, {"image": upload.image_id}),
        (BlockedVisitor, {"visitor": visitor.pk}),
    ):
        form = browser.get(address(model, "add"), target).context["adminform"].form
        assert str(form.initial[next(iter(target))]) == str(next(iter(target.values())))
        answer = browser.post(address(model, "add"), {**target, "reason": " Rude ", **until(end)})
        assert answer.status_code == 302, answer.context["errors"]
        row = model.objects.get()
        assert (row.reason, row.creator) == ("Rude", moderator)
        assert abs(row.until - end) < datetime.timedelta(seconds=2)
        assert browser.get(address(model, "changelist"), {"in_force": "yes"}).context["cl"].result_count == 1
    assert reply not in Message.objects.not_hidden()
    assert Visitor.objects.blocked().exists()
    block = BlockedImage.objects.get()
    assert (block.md5, block.difference_hash) == (upload.image.md5, upload.image.difference_hash)
    assert AuditEntry.objects.count() == 3
    for model in (HiddenReply, BlockedImage, BlockedVisitor):
        assert "1 was lifted." in chosen(browser, model, "lift", model.objects.get())
        assert "0 were lifted." in chosen(browser, model, "lift", model.objects.get())
        assert browser.get(address(model, "changelist"), {"in_force": "no"}).context["cl"].result_count == 1
    assert reply in Message.objects.not_hidden()
    assert not Visitor.objects.blocked().exists()
    assert AuditEntry.objects.count() == 6


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"reason": ""}, "reason"),
        (until(datetime.datetime(2020, 1, 1)), "until"),
        ({"visitor": ""}, "visitor"),
    ],
)
def test_a_block_without_a_reason_a_future_or_a_target_is_refused(browser, fields, wrong):
    form = {"visitor": make_visitor().pk, "reason": "Spam", "until_0": "", "until_1": ""} | fields
    answer = browser.post(address(BlockedVisitor, "add"), form)
    assert list(answer.context["adminform"].form.errors) == [wrong]
    assert not BlockedVisitor.objects.exists()
    assert not AuditEntry.objects.exists()


def test_a_message_of_a_visitor_cannot_be_hidden(browser):
    question = exchange(make_conversation()).parent
    answer = browser.post(address(HiddenReply, "add"), {"message": question.pk, "reason": "x"})
    assert list(answer.context["adminform"].form.errors) == ["message"]


def test_a_block_is_not_edited_or_deleted(browser, office):
    block = BlockedVisitor.objects.create(visitor=make_visitor(), reason="Spam")
    for client in (browser, office):
        for page in ("change", "delete"):
            posted = client.post(address(BlockedVisitor, page, block.pk), {"reason": "x", "post": "yes"})
            assert posted.status_code == 403
    assert BlockedVisitor.objects.get().reason == "Spam"


def test_pages_offer_the_block_to_those_who_may(browser, staff):
    visitor = make_visitor()
    image = make_upload(visitor).image
    reply = exchange(make_conversation(visitor))
    looks = browser_of(staff("chat.view_visitor", "chat.view_image", "chat.view_message"))
    for model, row, words in (
        (Visitor, visitor, "Block this visitor"),
        (Image, image, "Block this image"),
        (Message, reply, "Hide this reply"),
    ):
        page = address(model, "change", row.pk)
        assert words in browser.get(page).content.decode()
        assert words not in looks.get(page).content.decode()
    assert "Hide this reply" not in browser.get(address(Message, "change", reply.parent_id)).content.decode()


def test_a_decision_is_undone_from_its_list_by_somebody_else(browser):
    reply = exchange(make_conversation())
    Flag.objects.create(visitor=make_visitor(), message=reply, reason="other")
    colleague = User.objects.create_user("colleague")
    claims.claim(colleague.pk, reply.pk)
    flags = [Flag.objects.get().pk]
    review = decide(colleague, reply.pk, Decision(Review.Verdict.UPHELD, flags, hide=Measure()))
    assert "1 decision was undone." in chosen(browser, Review, "take_back", review)
    assert "0 decisions were undone." in chosen(browser, Review, "take_back", review)
    assert Flag.objects.get().state == "open"
    assert reply in Message.objects.not_hidden()
