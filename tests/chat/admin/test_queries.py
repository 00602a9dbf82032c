"""Lists and pages of the admin ask the database as often for many rows as for few."""

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from chat.kept import Kept
from chat.models import Conversation, Message, ModerationEvent, SiteText
from feedback.flags import flag
from feedback.votes import set_vote
from tests.chat.admin.pages import ADMINS, address
from tests.chat.admin.rows import make_everything
from tests.feedback.stories import exchange, make_upload

pytestmark = pytest.mark.django_db


def queries(office, url):
    Kept.forget_all()  # what a page finds there or not must not count
    with CaptureQueriesContext(connection) as captured:
        assert office.get(url).status_code == 200
    return len(captured)


def test_no_list_makes_a_query_for_each_row(office):
    lists = {model.__name__: address(model, "changelist") for model in ADMINS if model is not SiteText}

    def counted():
        return {name: queries(office, url) for name, url in lists.items()}

    for _ in range(10):
        make_everything()
    counted()  # the first pages fill the cache of content types
    few = counted()
    for _ in range(90):
        make_everything()
    assert counted() == few
    shown = office.get(lists["Conversation"]).content.decode()
    assert shown.count('class="action-select"') + shown.count('class="field-__str__"') >= 100


def test_no_search_makes_a_query_for_each_row(office):
    lists = {
        model.__name__: address(model, "changelist") + "?q=Some"
        for model, model_admin in ADMINS.items()
        if model_admin.search_fields
    }

    def counted():
        return {name: queries(office, url) for name, url in lists.items()}

    for _ in range(3):
        make_everything()
    few = counted()
    for _ in range(12):
        make_everything()
    assert counted() == few


def test_a_long_conversation_takes_as_many_queries_as_a_short_one(office):
    reply = make_everything()
    url = address(Conversation, "change", reply.conversation_id)
    office.get(url)  # the first page fills the cache of content types
    short = queries(office, url)
    visitor = reply.conversation.visitor
    for number in range(20):
        uploads = [make_upload(visitor), make_upload(visitor)]
        reply = exchange(reply.conversation, parent=reply, uploads=uploads)
        set_vote(visitor.key, reply.pk, "up")
        flag(visitor.key, reply.pk, "other")
        reply.flags.update(reviewer=User.objects.create_user(f"another{number}"))
        ModerationEvent.objects.create(message=reply.parent, check_name="words", outcome="refused")
    assert queries(office, url) == short


def test_a_message_with_many_pictures_takes_as_many_queries_as_one_with_few(office):
    visitor = (reply := make_everything()).conversation.visitor
    more = exchange(reply.conversation, uploads=[make_upload(visitor) for _ in range(12)])
    office.get(address(Message, "change", reply.pk))  # the first page fills the cache of content types
    counts = {queries(office, address(Message, "change", item.parent_id)) for item in (reply, more)}
    assert len(counts) == 1


def test_the_first_page_names_everything(office):
    page = office.get(reverse("admin:index")).content.decode()
    for model in ADMINS:
        assert address(model, "changelist") in page
