"""The review queue as a page: with scripts and without, and what is sent to it."""

import datetime
import re
import uuid

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from chat.models import BlockedVisitor, HiddenReply
from feedback.models import Claim, Flag, LeftPage, Review, Vote
from tests.chat.admin.conftest import browser_of
from tests.chat.admin.pages import Elements
from tests.feedback.review.conftest import flagged, held, withheld
from tests.feedback.stories import exchange, make_conversation, make_model, make_upload, make_visitor

pytestmark = pytest.mark.django_db
QUEUE = "/admin/feedback/reviewitem/"
JSON = {"Accept": "application/json"}
PAYLOAD = "<script>alert(1)</script>"


def person(name="mod", role="moderator"):
    user = User.objects.create_user(name, is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    return user


@pytest.fixture
def moderator(db):
    return person()


@pytest.fixture
def queue(moderator):
    return browser_of(moderator)


def shown(client, **query):
    response = client.get(QUEUE, query)
    assert response.status_code == 200
    page = response.content.decode()
    assert Elements(page).breaches() == []
    assert PAYLOAD not in page
    return page


def items(page):
    return re.findall(r'class="item" id="item-([0-9a-f-]+)"[^>]*?( hidden)?>', page)


def page_of(page):
    return re.search(r'data-page="([^"]*)"', page).group(1)


def form(item, verdict="upheld", **more):
    flags = list(item.flags.awaiting_review().values_list("pk", flat=True))
    events = list(item.moderation_events.awaiting_review().values_list("pk", flat=True))
    return {"message": item.pk, "verdict": verdict, "flag": flags, "event": events, **more}


def test_what_is_decided_as_a_page_is_left_leads_to_no_other_page_that_would_take_items(queue):
    decided, _ = flagged(), flagged()
    answer = queue.post(f"{QUEUE}decide/", form(decided, leaving="yes"), follow=True)
    assert (answer.status_code, answer.redirect_chain) == (204, [])
    assert Review.objects.get().message == decided
    assert not Claim.objects.exists()


def test_votes_and_other_flags_are_for_those_who_may_see_them(queue, moderator):
    visitor = make_visitor()
    item, other = (exchange(make_conversation(visitor)) for _ in range(2))
    for reply in (item, other):
        Flag.objects.create(visitor=visitor, message=reply, reason="other", comment=f"Flag of {reply.pk}")
        Vote.objects.create(visitor=visitor, message=reply, value="down", comment=f"Vote on {reply.pk}")
    page = shown(queue)
    assert f"Vote on {other.pk}" in page
    group = Group.objects.get(name="moderator")
    for name in ("view_vote", "view_flag"):
        group.permissions.remove(Permission.objects.get(codename=name))
    page = shown(browser_of(User.objects.get(pk=moderator.pk)))
    assert "Vote on" not in page
    own, others = f"Flag of {item.pk}", f"Flag of {other.pk}"
    # Each is an item, with what it was flagged for; neither is told beside the other.
    assert (page.count(own), page.count(others)) == (1, 1)


def test_an_empty_queue_says_so_and_one_that_filters_empty_says_that(queue):
    assert "Nothing waits, or others are at work on it." in shown(queue)
    flagged()
    assert "Nothing waits that fits these filters" in shown(queue, reason="privacy")


def test_the_page_has_the_item_and_the_next_one_hidden_behind_it(queue, moderator):
    old, new = flagged(age=2, title=PAYLOAD), flagged(age=1)
    flagged()
    assert items(shown(queue)) == [(str(old.pk), ""), (str(new.pk), " hidden")]
    assert set(Claim.objects.values_list("message", "moderator")) == {
        (old.pk, moderator.pk), (new.pk, moderator.pk)
    }  # fmt: skip
    colleague = browser_of(person("colleague"))
    assert len(items(shown(colleague))) == 1


def test_everything_that_visitors_wrote_is_text(queue):
    visitor = make_visitor()
    conversation = make_conversation(visitor, make_model(PAYLOAD))
    reply = exchange(conversation, PAYLOAD, PAYLOAD, uploads=[make_upload(visitor, name=PAYLOAD)])
    Flag.objects.create(visitor=visitor, message=reply, reason="harmful", comment=PAYLOAD)
    other = exchange(make_conversation(visitor), PAYLOAD, PAYLOAD)
    Flag.objects.create(visitor=visitor, message=other, reason="other", comment=PAYLOAD)
    Vote.objects.create(visitor=visitor, message=other, value="up", comment=PAYLOAD)
    page = shown(queue)
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 10
    assert page.count('class="thumbnail blurred"') == 1


def test_without_scripts_a_form_decides_and_leads_to_the_next(queue, moderator):
    first, second = flagged(age=2), flagged(age=1)
    shown(queue)
    answer = queue.post(f"{QUEUE}decide/?order=most", form(first, hide="on", hide_days="7", note="Rude"))
    assert (answer.status_code, answer.url) == (302, f"{QUEUE}?order=most")
    page = shown(queue)
    assert "Upheld." in page
    assert items(page) == [(str(second.pk), "")]
    hidden = HiddenReply.objects.get()
    assert (hidden.message, hidden.reason, hidden.creator) == (first, "Rude", moderator)
    assert abs(hidden.until - timezone.now() - datetime.timedelta(days=7)) < datetime.timedelta(minutes=1)
    answer = queue.post(f"{QUEUE}undo/", follow=True)
    assert "Undone." in answer.content.decode()
    assert items(answer.content.decode())[0] == (str(first.pk), "")


def test_a_script_gets_what_it_lacks_and_is_told_what_it_lost(queue, moderator):
    first, second, third = (flagged(age=9 - number) for number in range(3))
    shown(queue)
    answer = queue.post(f"{QUEUE}decide/", {**form(first, "dismissed"), "have": [second.pk]}, headers=JSON)
    told = answer.json()
    assert (answer.status_code, told["text"], told["waiting"], told["error"]) == (200, "Dismissed.", 2, None)
    assert [pk for pk, _ in items(told["html"])] == [str(third.pk)]
    assert told["lost"] == []
    Claim.objects.filter(message=third.pk).update(moderator=person("colleague"))
    told = queue.post(f"{QUEUE}decide/", {**form(second, "skipped"), "have": [third.pk]}, headers=JSON).json()
    assert (told["lost"], told["html"].strip(), told["skipped"]) == ([str(third.pk)], "", 1)


def test_undo_brings_the_item_and_names_it(queue):
    item = flagged()
    shown(queue)
    queue.post(f"{QUEUE}decide/", form(item), headers=JSON)
    told = queue.post(f"{QUEUE}undo/", headers=JSON).json()
    assert (told["first"], told["text"]) == ([str(item.pk)], "Undone.")
    assert [pk for pk, _ in items(told["html"])] == [str(item.pk)]
    answer = queue.post(f"{QUEUE}undo/", headers=JSON)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "nothing_to_undo")


def test_what_somebody_else_has_is_refused_and_nothing_is_stored(queue):
    item = flagged()
    Claim.objects.create(message=item, moderator=person("colleague"), taken=timezone.now())
    answer = queue.post(f"{QUEUE}decide/", form(item, hide="on"), headers=JSON)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "claim_lost")
    assert not HiddenReply.objects.exists()
    assert Flag.objects.get().state == "open"


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"message": "x"}, "message"),
        ({"verdict": "maybe"}, "verdict"),
        ({"note": "n" * 2001}, "note"),
        ({"hide_days": "-5"}, "hide_days"),
        ({"visitor_days": "9" * 9}, "visitor_days"),
        ({"flag": "1 OR 1=1"}, "flag"),
        ({"image": "9" * 40}, "image"),
    ],
)
def test_a_form_that_cannot_be_read_names_the_field_and_changes_nothing(queue, fields, field):
    item = flagged()
    shown(queue)
    answer = queue.post(f"{QUEUE}decide/", form(item) | fields, headers=JSON)
    assert (answer.status_code, answer.json()["error"]["field"]) == (409, field)
    assert Flag.objects.get().state == "open"
    assert not Review.objects.exists()


def test_filters_that_cannot_be_read_count_as_none(queue):
    item = flagged()
    for query in (
        {"model": "x"},
        {"order": "z"},
        {"first": "yesterday"},
        {"last": "9999-12-31"},
        {"language": "xx"},
        {"reason": "'"},
    ):
        assert items(shown(queue, **query)) == [(str(item.pk), "")]
        Claim.objects.all().delete()


def test_leaving_the_page_lets_go(queue):
    flagged()
    page = page_of(shown(queue))
    assert Claim.objects.exists()
    assert queue.post(f"{QUEUE}release/", {"page": page}).status_code == 204
    assert not Claim.objects.exists()


def test_leaving_an_older_page_lets_go_of_nothing_that_a_newer_one_has(queue):
    flagged()
    older, newer = page_of(shown(queue)), page_of(shown(queue))
    for unfit in (older, "", "nonsense"):
        assert queue.post(f"{QUEUE}release/", {"page": unfit}).status_code == 204
        assert Claim.objects.exists()
    queue.post(f"{QUEUE}release/", {"page": newer})
    assert not Claim.objects.exists()


def test_what_is_under_way_while_its_page_is_left_is_decided_and_claims_nothing(queue, moderator):
    first, second, third = flagged(), flagged(), flagged()
    page = page_of(shown(queue))
    queue.post(f"{QUEUE}release/", {"page": page})
    sent = {"have": [second.pk], "page": page}
    assert queue.post(f"{QUEUE}decide/", form(first, **sent), headers=JSON).status_code == 200
    assert first.flags.get().state == "upheld"
    assert not Claim.objects.exists()
    queue.post(f"{QUEUE}undo/", sent, headers=JSON)
    assert not Claim.objects.exists()
    newer = page_of(shown(queue))
    queue.post(f"{QUEUE}undo/", sent, headers=JSON)
    assert set(Claim.objects.values_list("message", "page")) == {
        (each.pk, uuid.UUID(newer)) for each in (first, second)
    }
    assert not third.flags.filter(state="upheld").exists()


def test_pages_that_were_left_are_forgotten_when_nothing_of_them_can_be_under_way(queue):
    flagged()
    queue.post(f"{QUEUE}release/", {"page": page_of(shown(queue))})
    LeftPage.objects.update(left=timezone.now() - datetime.timedelta(hours=1))
    page = page_of(shown(queue))
    queue.post(f"{QUEUE}release/", {"page": page})
    assert str(LeftPage.objects.get().pk) == page


def test_who_may_only_look_claims_and_decides_nothing(staff):
    item = flagged()
    browser = browser_of(staff("feedback.view_reviewitem"))
    page = shown(browser)
    assert items(page) == [(str(item.pk), "")]
    assert "Uphold" not in page
    assert not Claim.objects.exists()
    for path in ("decide", "undo", "release", "return"):
        assert browser.post(f"{QUEUE}{path}/", form(item)).status_code == 403


def test_a_measure_needs_its_own_permission(staff):
    item = flagged()
    browser = browser_of(staff("feedback.view_reviewitem", "feedback.decide_reviewitem"))
    assert "Block the visitor" not in shown(browser)
    assert browser.post(f"{QUEUE}decide/", form(item, block_visitor="on")).status_code == 403
    assert not BlockedVisitor.objects.exists()
    assert browser.post(f"{QUEUE}decide/", form(item)).status_code == 302
    assert Flag.objects.get().state == "upheld"


def test_forged_forms_and_other_methods_are_refused(moderator):
    item = flagged()
    forged = Client(enforce_csrf_checks=True)
    forged.force_login(moderator)
    assert forged.post(f"{QUEUE}decide/", form(item)).status_code == 403
    assert forged.get(f"{QUEUE}decide/").status_code == 405
    assert Flag.objects.get().state == "open"


def test_a_held_message_is_shown_with_what_the_check_said(queue):
    item = held()
    item.moderation_events.update(categories=["violence"], detail="score 0.9")
    page = shown(queue)
    assert "Message that a check held back" in page
    for words in ("violence", "score 0.9", "Held back"):
        assert words in page
    assert 'name="hide"' not in page
    queue.post(f"{QUEUE}decide/", form(item, "dismissed"))
    assert item.moderation_events.get().state == "dismissed"


def test_long_chats_and_many_flags_take_as_many_queries_as_short_ones(queue):
    def queries():
        with CaptureQueriesContext(connection) as captured:
            shown(queue)
        return len(captured)

    first, second = flagged(age=2), flagged(age=1)
    queries()
    few = queries()
    for item in (first, second):
        visitor, reply = item.conversation.visitor, item
        for _ in range(10):
            flagged(reply=item)
            reply = exchange(item.conversation, parent=reply, uploads=[make_upload(visitor)])
            Vote.objects.create(visitor=visitor, message=reply, value="up")
            Flag.objects.create(visitor=visitor, message=reply, reason="other", state="dismissed")
    assert queries() == few


@pytest.fixture
def staff(db):
    def make(*permissions):
        user = User.objects.create_user(f"staff{User.objects.count()}", is_staff=True)
        codenames = [permission.split(".")[1] for permission in permissions]
        user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
        return user

    return make


def test_a_reply_that_a_check_keeps_back_is_shown_to_moderators_and_let_through(queue):
    reply = withheld(f"It said {PAYLOAD}")
    page = shown(queue)
    assert "that a check held back" in page
    assert "A check keeps this back; only staff see it" in page
    assert "It said &lt;script&gt;" in page
    event = reply.moderation_events.get()
    form = {
        "message": reply.pk,
        "event": event.pk,
        "verdict": "dismissed",
        "hide_days": "",
        "visitor_days": "",
    }
    assert queue.post(f"{QUEUE}decide/", form).status_code == 302
    reply.refresh_from_db()
    assert (reply.text, reply.state, reply.error_code) == (f"It said {PAYLOAD}", "complete", "")
