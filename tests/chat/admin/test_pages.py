"""Every page of the admin opens, obeys the Content-Security-Policy, and shows what people wrote as text."""

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils.html import escape

from chat.models import Conversation, Message, RunningReply, SiteText
from feedback.models import Flag, ReviewItem, Vote, VoteChange
from tests.chat.admin.pages import ADMINS, IDS, Elements, address
from tests.chat.admin.rows import make_everything

pytestmark = pytest.mark.django_db
PAYLOAD = """<script>alert(1)</script>"'><img src=x onerror=f()><a href="javascript:x">x</a>{{ 7|add:7 }}"""


@pytest.fixture
def everything():
    return make_everything(PAYLOAD)


def checked(client, url):
    """Open a page, fail for anything that its policy stops, and give its text."""
    response = client.get(url, follow=True)
    assert response.status_code == 200, url
    policy = response.headers["Content-Security-Policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    page = response.content.decode()
    assert Elements(page).breaches() == [], url
    return page


@pytest.mark.parametrize("model", ADMINS, ids=IDS)
def test_lists_rows_and_forms_obey_the_policy(office, everything, model):
    assert "<script>alert" not in checked(office, address(model, "changelist"))
    row = model._default_manager.order_by("-pk").first()
    assert "<script>alert" not in checked(office, address(model, "change", row.pk))
    assert "<script>alert" not in checked(office, address(model, "history", row.pk))
    if office.get(address(model, "add")).status_code == 200:
        checked(office, address(model, "add"))
    if office.get(address(model, "delete", row.pk)).status_code == 200:
        assert "<script>alert" not in checked(office, address(model, "delete", row.pk))


@pytest.mark.parametrize("name", ["index", "password_change", "auth_user_changelist", "auth_user_add"])
def test_djangos_own_pages_obey_the_policy(office, name):
    assert "mmchat" in checked(office, reverse(f"admin:{name}"))


def test_the_log_in_page_obeys_the_policy(db):
    page = checked(Client(), reverse("admin:login"))
    assert "mmchat administration" in page
    assert "css/admin.css" in page


@pytest.mark.parametrize("model", ADMINS, ids=IDS)
def test_every_search_finds_by_text_and_by_id(office, everything, model):
    if not ADMINS[model].search_fields:
        return
    for words in (
        "Some",
        "a b",
        "0'\"%_\\",
        str(everything.pk),
        str(everything.conversation_id),
        "203.0.113.7",
    ):
        assert office.get(address(model, "changelist"), {"q": words}).status_code == 200


@pytest.mark.parametrize("model", [Conversation, Message, Flag])
def test_an_id_finds_its_row(office, everything, model):
    make_everything()
    found = office.get(address(model, "changelist"), {"q": str(everything.conversation_id)})
    rows = found.context["cl"].result_list
    assert {getattr(row, "conversation_id", None) or getattr(row, "message_id", row.pk) for row in rows} <= {
        everything.conversation_id,
        everything.pk,
    }
    assert rows


@pytest.mark.parametrize("model", ADMINS, ids=IDS)
def test_every_filter_and_date_can_be_chosen(office, everything, model):
    if model in (SiteText, RunningReply, ReviewItem):
        return  # no lists
    page = office.get(address(model, "changelist"))
    choices = {
        choice["query_string"]
        for item in page.context["cl"].filter_specs
        for choice in item.choices(page.context["cl"])
    }
    field = ADMINS[model].date_hierarchy
    dates = {f"?{field}__year=2026", f"?{field}__year=2026&{field}__month=11"} if field else set()
    for query in choices | dates:
        assert office.get(address(model, "changelist") + query).status_code == 200, query


def test_a_conversation_reads_as_a_chat(office, everything):
    page = checked(office, address(Conversation, "change", everything.conversation_id))
    assert page.count(f'<div class="text" dir="auto">{escape(PAYLOAD)}</div>') == 2
    elements = Elements(page).tags
    pictures = [
        attributes for tag, attributes in elements if tag == "img" and attributes.get("class") == "thumbnail"
    ]
    uploads = [image.upload_id for image in everything.parent.images.all()]
    assert [picture["src"] for picture in pictures] == [
        reverse("chat:thumbnail", args=[pk]) for pk in uploads
    ]
    assert [picture["alt"] for picture in pictures] == [PAYLOAD, PAYLOAD]
    links = {attributes.get("href") for tag, attributes in elements if tag == "a"}
    assert {reverse("chat:image", args=[pk]) for pk in uploads} <= links
    for shown in ("failed", "worker_broke_off", "temperature", "2.50 s", "Harmful or unsafe", ">down<"):
        assert shown in page, shown
    assert f'id="message-{everything.pk}"' in page


def test_the_boxes_of_a_vote_are_drawn_on_their_pictures(office, everything):
    for row in (Vote.objects.get(), VoteChange.objects.get()):
        tags = Elements(checked(office, address(type(row), "change", row.pk))).tags
        picture = reverse("chat:image", args=[row.boxes[0]["image"]])
        drawn = dict(tag for tag in tags if tag[0] in ("image", "rect"))
        assert drawn["image"] == {"href": picture, "width": "4", "height": "3"}
        assert drawn["rect"] == {"x": "0", "y": "0", "width": "4", "height": "3"}


def test_an_empty_conversation_opens(office, everything):
    everything.conversation.messages.all().delete()
    assert "No messages." in checked(office, address(Conversation, "change", everything.conversation_id))


def test_a_visitor_or_a_user_who_is_no_staff_sees_the_log_in_page(everything):
    user = User.objects.create_user("curious")
    logged_in = Client()
    logged_in.force_login(user)
    for client in (Client(), logged_in):
        response = client.get(address(Conversation, "change", everything.conversation_id))
        assert response.status_code == 302
        assert response.url.startswith(reverse("admin:login"))
