"""The page for frames of other sites: who may show it, and who the visitor is there without cookies."""

import json
import re
import time
import uuid

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse

from chat.images import signed
from chat.images.store import image_info
from chat.kept import Kept
from chat.models import Conversation, EmbeddingSite, MessageImage, SharedLink
from chat.visitors import COOKIE, cookie_for, key_in_cookie, key_in_scope, key_in_token, token_for
from tests.chat.factories import make_conversation, make_turn, make_visitor
from tests.chat.test_pages import bootstrap
from tests.feedback.stories import make_upload

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nothing_kept():
    Kept.forget_all()
    yield
    Kept.forget_all()


def by_token(key, **more):
    """A frame's scripts, which hold this visitor's token."""
    return Client(headers={"X-Visitor": token_for(key)}, enforce_csrf_checks=True, **more)


def ancestors(answer):
    return re.search(r"frame-ancestors ([^;]*)", answer["Content-Security-Policy"])[1]


def test_sites_of_the_setting_and_of_the_administration_may_show_it(client, settings):
    assert ancestors(client.get("/embed/")) == "'none'"
    settings.MMCHAT_EMBED_ORIGINS = ["https://www.example.org"]
    EmbeddingSite.objects.create(origin="https://*.example.com:8443")
    Kept.forget_all()
    answer = client.get("/embed/")
    assert ancestors(answer) == "https://www.example.org https://*.example.com:8443"
    assert "X-Frame-Options" not in answer
    assert bootstrap(answer)["frame"]["origins"] == ["https://www.example.org", "https://*.example.com:8443"]
    for path in ("/", f"/s/{uuid.uuid4()}/", "/receipt/"):
        other = client.get(path)
        assert (ancestors(other), other["X-Frame-Options"]) == ("'none'", "DENY")


@pytest.mark.parametrize(
    "origin", ["example.org", "https://a.org/x", "https://a.org; script-src *", "*", "ftp://a.org"]
)
def test_what_is_no_origin_can_not_be_added(origin):
    with pytest.raises(ValidationError):
        EmbeddingSite(origin=origin).full_clean()


def test_the_page_in_a_frame_sets_no_cookie_and_offers_a_token_of_somebody_new(client):
    answers = [client.get("/embed/") for _ in range(2)]
    assert [answer.cookies for answer in answers] == [{}, {}]
    keys = {key_in_token(bootstrap(answer)["frame"]["token"]) for answer in answers}
    assert len(keys - {None}) == 2
    assert bootstrap(client.get("/"))["frame"] is None


def test_a_token_is_no_cookie_and_a_cookie_no_token(visitor_key):
    assert key_in_token(token_for(visitor_key)) == visitor_key
    assert key_in_cookie(token_for(visitor_key)) is None
    assert key_in_token(cookie_for(visitor_key)) is None
    assert key_in_token(f"{visitor_key}.forged") is None


@pytest.fixture
def visitor_key():
    return uuid.uuid4()


def test_a_socket_takes_the_token_among_its_protocols_before_the_cookie(visitor_key):
    cookie = {COOKIE: cookie_for(uuid.uuid4())}
    offered = ["mmchat", f"visitor.{token_for(visitor_key)}"]
    assert key_in_scope({"subprotocols": offered, "cookies": cookie}) == visitor_key
    assert key_in_scope({"subprotocols": ["mmchat", "visitor.forged"], "cookies": cookie}) is None
    assert key_in_scope({"subprotocols": [], "cookies": {COOKIE: cookie_for(visitor_key)}}) == visitor_key


def test_the_token_opens_what_is_its_visitors_without_a_token_against_forgery(visitor_key):
    conversation = make_conversation(make_visitor(key=visitor_key), title="In a frame")
    _, reply = make_turn(conversation)
    frame = by_token(visitor_key)
    assert [each["title"] for each in frame.get("/history/").json()["conversations"]] == ["In a frame"]
    vote = reverse("feedback:vote", args=[reply.pk])
    assert frame.post(vote, {"value": "up"}, content_type="application/json").status_code == 200
    share = reverse("chat:share", args=[conversation.pk])
    assert frame.post(share, {"message": str(reply.pk)}, content_type="application/json").status_code == 200
    assert SharedLink.objects.count() == 1
    delete = reverse("chat:delete_conversation", args=[conversation.pk])
    assert frame.post(delete, {}, content_type="application/json").status_code == 200
    assert not Conversation.objects.visible().exists()


def test_without_the_token_the_check_against_forgery_stands(visitor_key):
    conversation = make_conversation(make_visitor(key=visitor_key))
    client = Client(enforce_csrf_checks=True)
    client.cookies[COOKIE] = cookie_for(visitor_key)
    answer = client.post(reverse("chat:delete_conversation", args=[conversation.pk]))
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "csrf_failed")


def test_with_a_token_no_cookie_counts_of_visitors_or_of_staff(visitor_key):
    other = make_conversation(make_visitor(), title="By cookie")
    upload = make_upload(other.visitor)
    root = User.objects.create_superuser("root")
    for token in (token_for(visitor_key), "forged", ""):
        client = Client(headers={"X-Visitor": token}, enforce_csrf_checks=True)
        client.force_login(root)
        client.cookies[COOKIE] = cookie_for(other.visitor_id)
        assert client.get("/history/").json()["conversations"] == []
        assert client.get(reverse("chat:image", args=[upload.pk])).status_code == 404
        delete = client.post(reverse("chat:delete_conversation", args=[other.pk]))
        assert delete.status_code in (403, 404)
        assert client.get("/admin/").status_code == 302
        assert client.post(reverse("admin:auth_user_add"), {"username": "eve"}).status_code == 302
    assert User.objects.count() == 1
    other.refresh_from_db()
    assert other.deleted is None


def test_a_forged_token_is_told_to_reload(db):
    answer = Client(headers={"X-Visitor": "forged"}).post(reverse("chat:delete_everything"))
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "no_visitor")


@pytest.mark.parametrize(
    ("query", "attribute"),
    [
        ("theme=dark", ' data-theme="dark"'),
        ("theme=light", ' data-theme="light"'),
        ("theme=%22%3E", ""),
        ("", ""),
    ],
)
def test_the_address_chooses_the_colours(client, query, attribute):
    page = client.get(f"/embed/?{query}").content.decode()
    assert f'dir="ltr"{attribute}>' in page


def test_a_frame_begins_anew_at_its_own_address(client):
    address = "/embed/?model=x&theme=dark&lang=en"
    assert bootstrap(client.get(address))["urls"]["new"] == address


# Pictures


def addresses(upload):
    info = signed.signed_image(image_info(upload))
    return info.url, info.thumbnail


def test_a_signed_address_opens_its_picture_to_whoever_has_it_for_minutes(monkeypatch):
    upload = make_upload(make_visitor())
    now = time.time()
    found = addresses(upload)
    for address in found:
        answer = Client().get(address)
        assert answer.status_code == 200
        kept = int(re.search(r"max-age=(\d+)", answer["Cache-Control"])[1])
        assert signed.SECONDS - 5 <= kept <= 2 * signed.SECONDS
    monkeypatch.setattr(time, "time", lambda: now + 2 * signed.SECONDS + 1)
    assert [Client().get(address).status_code for address in found] == [404, 404]


def test_the_address_stays_the_same_for_a_while_so_that_browsers_keep_the_picture(monkeypatch):
    upload = make_upload(make_visitor())
    start = signed.SECONDS * 1_000_000
    monkeypatch.setattr(time, "time", lambda: start)
    first = addresses(upload)
    monkeypatch.setattr(time, "time", lambda: start + signed.SECONDS - 1)
    assert addresses(upload) == first


def test_whoever_comes_with_a_token_gets_signed_addresses_and_nobody_else(visitor_key):
    visitor = make_visitor(key=visitor_key)
    question, reply = make_turn(make_conversation(visitor))
    MessageImage.objects.create(message=question, upload=make_upload(visitor), position=0)
    address = reverse("chat:earlier_messages", args=[reply.conversation_id])
    by_cookie = Client()
    by_cookie.cookies[COOKIE] = cookie_for(visitor_key)
    for client, is_signed in ((by_token(visitor_key), True), (by_cookie, False)):
        earlier = client.get(address, {"before": str(reply.pk)}).json()
        picture = earlier["messages"][0]["images"][0]
        assert ["signature=" in picture[name] for name in ("url", "thumbnail")] == [is_signed, is_signed]
        assert (Client().get(picture["url"]).status_code == 200) is is_signed


def test_a_signature_is_good_for_one_picture_and_one_time():
    upload, other = make_upload(make_visitor()), make_upload(make_visitor())
    address, _ = addresses(upload)
    query = address.partition("?")[2]
    until = re.search(r"until=(\d+)", query)[1]
    for bad in (
        f"{reverse('chat:image', args=[other.pk])}?{query}",
        address.replace(until, str(int(until) + 1)),
        address[:-1] + ("A" if address[-1] != "A" else "B"),
        address.partition("&")[0],
        address.replace(until, "٣" * 4),
        address.replace(until, "9" * 5000),
    ):
        assert Client().get(bad).status_code == 404


def test_who_deleted_everything_took_the_signed_addresses_along(visitor_key):
    visitor = make_visitor(key=visitor_key)
    address, _ = addresses(make_upload(visitor))
    assert Client().get(address).status_code == 200
    by_token(visitor_key).post(reverse("chat:delete_everything"))
    assert Client().get(address).status_code == 404


def test_the_administration_shows_the_snippet(admin_client, settings):
    settings.MMCHAT_ORIGIN = "https://chat.example.org"
    page = admin_client.get(reverse("admin:chat_embeddingsite_changelist")).content.decode()
    assert "&lt;iframe src=&quot;https://chat.example.org/embed/&quot;" in page
    assert "No site may show the chat yet" in page
    assert json.dumps("https://chat.example.org") in page.replace("&quot;", '"')
