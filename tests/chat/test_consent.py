"""Terms come before the first message, by name; research is allowed only by the visitor's own switch."""

import uuid

import pytest
from django.core.files.base import ContentFile
from django.test import Client
from django.urls import reverse

from chat import events, turns
from chat.consent import accept_terms, allow_research, consent_of
from chat.kept import Kept
from chat.models import Conversation, Message, SiteText, Terms, Visitor
from chat.refusals import Refused
from chat.visitors import COOKIE, cookie_for
from tests.chat.factories import make_conversation, make_model, make_turn, make_visitor
from tests.chat.test_turns import OWNER, send, start

KEY = uuid.UUID(int=7)


@pytest.fixture
def model(db):
    return make_model()


@pytest.fixture
def tab(db):
    client = Client()
    client.cookies[COOKIE] = cookie_for(KEY)
    return client


def publish(version, must_be_accepted=True):
    Kept.forget_all()
    return Terms.objects.create(version=version, text=f"Rules {version}", must_be_accepted=must_be_accepted)


def post(client, **body):
    return client.post(reverse("chat:consent"), body, content_type="application/json")


def refused(call, *arguments):
    with pytest.raises(Refused) as error:
        call(*arguments)
    return error.value.code, error.value.limit


def test_terms_that_need_not_be_accepted_hold_nobody_back(model):
    publish("2", must_be_accepted=False)
    assert start(KEY, send(model)).fresh
    assert consent_of(KEY)["terms"] is None


def test_nobody_is_refused_for_terms_that_hold_no_more(model):
    publish("2")
    assert refused(start, KEY, send(model)) == ("terms_not_accepted", "2")
    Terms.objects.all().delete()  # and what is kept for a second still says otherwise
    assert start(KEY, send(model)).fresh


def test_nothing_is_stored_before_the_terms_are_accepted(model, tab):
    publish("2")
    assert refused(start, KEY, send(model)) == ("terms_not_accepted", "2")
    picture = tab.post(reverse("chat:upload"), {"image": ContentFile(b"anything", "shapes.png")})
    assert (picture.status_code, picture.json()["error"]["code"]) == (403, "terms_not_accepted")
    assert not Visitor.objects.exists()
    answer = post(tab, terms="2")
    assert (answer.status_code, answer.json()) == (200, {"terms": None, "research": None})
    visitor = Visitor.objects.get(pk=KEY)
    assert visitor.terms_version == "2"
    assert visitor.terms_accepted is not None
    assert start(KEY, send(model)).fresh


def test_a_new_version_is_asked_for_again_before_any_further_reply(model):
    publish("2")
    accept_terms(KEY, None, "2")
    reply = start(KEY, send(model)).reply
    Message.objects.filter(pk=reply).update(state="stopped", text="Some")
    publish("3")
    again = events.Regenerate(client_id=uuid.uuid4(), message=reply)
    go_on = events.Continue(client_id=uuid.uuid4(), message=reply)
    for frame in (again, go_on):
        assert refused(turns.start_variant, KEY, frame, OWNER) == ("terms_not_accepted", "3")
    assert consent_of(KEY)["terms"] == {"version": "3", "text": "Rules 3"}
    accept_terms(KEY, None, "3")
    assert turns.start_variant(KEY, again, OWNER).fresh


def test_only_what_was_shown_can_be_accepted(tab):
    publish("2")
    publish("3")
    for version in ("2", "4", ""):
        answer = post(tab, terms=version)
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "terms_changed")
        assert answer.json()["error"]["limit"] == "3"
    assert not Visitor.objects.exists()


def test_terms_that_the_host_may_still_change_cannot_be_accepted(tab):
    publish("2", must_be_accepted=False)
    assert refused(accept_terms, KEY, None, "2") == ("terms_changed", None)
    assert post(tab, terms="2").status_code == 409
    assert not Visitor.objects.exists()


def test_accepting_again_keeps_the_first_time(db):
    publish("2")
    accept_terms(KEY, None, "2")
    first = Visitor.objects.get().terms_accepted
    accept_terms(KEY, None, "2")
    assert Visitor.objects.get().terms_accepted == first


def test_the_research_switch_is_there_only_where_the_host_offers_it_and_is_off(tab):
    assert tab.get(reverse("chat:consent")).json()["research"] is None
    answer = post(tab, research=True)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "research_not_offered")
    SiteText.objects.update(offers_research=True, research_text="Our university.")
    assert tab.get(reverse("chat:consent")).json()["research"] == {
        "allowed": False,
        "text": "Our university.",
    }


def test_whoever_said_yes_finds_the_switch_when_the_host_offers_it_no_more(model, tab):
    SiteText.objects.update(offers_research=True)
    post(tab, research=True)
    SiteText.objects.update(offers_research=False)
    assert tab.get(reverse("chat:consent")).json()["research"]["allowed"] is True
    assert post(tab, research=False).json()["research"] is None


def test_the_switch_holds_for_all_chats_of_the_visitor_and_of_nobody_else(model, tab):
    SiteText.objects.update(offers_research=True)
    before = start(KEY, send(model)).conversation
    foreign = make_turn(make_conversation(make_visitor(), model))[0].conversation_id
    assert post(tab, research=True).json()["research"]["allowed"] is True
    after = start(KEY, send(model)).conversation
    assert {row.pk for row in Conversation.objects.allowed_for_research()} == {before, after}
    assert foreign not in {before, after}
    SiteText.objects.update(offers_research=False)
    assert post(tab, research=False).status_code == 200
    assert not Conversation.objects.allowed_for_research().exists()
    visitor = Visitor.objects.get(pk=KEY)
    assert visitor.research is False
    assert visitor.research_changed is not None


def test_a_visitor_who_never_touched_the_switch_is_told_from_one_who_refused(db):
    visitor = make_visitor()
    assert visitor.research is None
    allow_research(visitor.key, None, False)
    visitor.refresh_from_db()
    assert visitor.research is False


@pytest.mark.parametrize("body", [{"terms": 2}, {"research": "yes"}])
def test_a_bad_body_names_the_field(tab, body):
    answer = post(tab, **body)
    assert (answer.status_code, answer.json()["error"]["field"]) == (400, next(iter(body)))
