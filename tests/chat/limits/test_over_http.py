"""Each limit of what goes over HTTP: refused with the seconds to wait, by visitor or address, but not for staff."""

import uuid
from ipaddress import ip_network

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from chat.images.as_sent import address_of
from chat.images.store import store_upload
from chat.kept import Kept
from chat.limits.counting import is_staff
from chat.models import LimitRule
from chat.models.limits import AT_ONCE, Counted
from chat.visitors import COOKIE, cookie_for
from feedback.models import Flag, Scope, Vote
from tests.chat.factories import set_limit
from tests.chat.images.pictures import encoded, patterned
from tests.feedback.api.conftest import make_token
from tests.feedback.conftest import tab_of
from tests.feedback.stories import exchange, make_conversation, make_visitor

pytestmark = pytest.mark.django_db
ON_SOCKETS = {Counted.HANDSHAKES, Counted.FRAMES, Counted.MESSAGES}


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(tmp_path)},
        },
    }


def posted(tab, name, *arguments, **body):
    return tab.post(reverse(name, args=arguments), body, content_type="application/json")


def sent(tab, padding=0):
    file = SimpleUploadedFile("cat.png", encoded(patterned(40, 40)) + b"\0" * padding, "image/png")
    return tab.post(reverse("chat:upload"), {"image": file})


# How a browser does each once more; `life` has a reply and an upload of its visitor.
DO = {
    Counted.IMAGES: lambda tab, life: sent(tab),
    Counted.MEGABYTES: lambda tab, life: sent(tab, padding=1_000_000),
    Counted.DESCRIPTIONS: lambda tab, life: posted(
        tab, "chat:describe_image", life.upload.pk, description="x"
    ),
    Counted.SENT_IMAGES: lambda tab, life: tab.get(address_of(life.upload, "Pad")),
    Counted.OPINIONS: lambda tab, life: posted(tab, "feedback:vote", life.reply.pk, value="up"),
    Counted.SEARCHES: lambda tab, life: tab.get(reverse("chat:history"), {"q": "x"}),
    Counted.INSPECTIONS: lambda tab, life: tab.get(reverse("chat:inspect", args=[life.reply.pk])),
    Counted.LINKS: lambda tab, life: posted(
        tab, "chat:share", life.reply.conversation_id, message=str(life.reply.pk)
    ),
    Counted.RECEIPTS: lambda tab, life: tab.post(reverse("chat:receipt"), {"code": "none"}),
    Counted.API: lambda tab, life: tab.get(
        "/api/v1/votes", headers={"Authorization": f"Bearer {life.token}"}
    ),
}


class Life:
    """One visitor with a reply, a picture, and a token of the API for what only programs do."""

    def __init__(self, user):
        visitor = make_visitor()
        self.tab = tab_of(visitor.key)
        self.upload = store_upload(visitor, "cat.png", encoded(patterned(60, 40)))
        self.reply = exchange(make_conversation(visitor))
        self.token = make_token(user, Scope.VOTES)[1]


@pytest.fixture
def user():
    return User.objects.create_superuser("root")


@pytest.fixture
def life(user):
    return Life(user)


def by_of(counted):
    return {Counted.RECEIPTS: "address", Counted.API: "token"}.get(counted, "visitor")


def test_every_kind_that_goes_over_http_is_tried_here():
    assert set(DO) == set(Counted) - AT_ONCE - ON_SOCKETS


@pytest.mark.parametrize("counted", DO)
def test_too_much_is_refused_with_the_seconds_to_wait_and_others_go_on(life, user, counted):
    set_limit(counted, 1, by=by_of(counted))
    first = DO[counted](life.tab, life)
    assert first.status_code in (200, 201, 400), first.content  # 400: an unknown receipt code
    refused = DO[counted](life.tab, life)
    assert refused.status_code == 429, refused.content
    seconds = refused["Retry-After"]
    assert 0 < int(seconds) <= 120
    if refused["Content-Type"].startswith("application/json"):
        error = refused.json()["error"]
        assert (error["code"], error["limit"], error["field"]) == ("too_many_requests", 1, None)
        assert seconds in error["text"]
    else:
        assert seconds in refused.content.decode()
    if by_of(counted) != "address":
        other = Life(user)
        assert DO[counted](other.tab, other).status_code in (200, 201)


def test_what_was_refused_changed_nothing(life):
    set_limit(Counted.OPINIONS, 1)
    posted(life.tab, "feedback:vote", life.reply.pk, value="up")
    assert posted(life.tab, "feedback:vote", life.reply.pk, value="down").status_code == 429
    assert posted(life.tab, "feedback:flag", life.reply.pk, reason="other").status_code == 429
    assert posted(life.tab, "feedback:preference", life.reply.pk, preferred=True).status_code == 429
    assert (Vote.objects.get().value, Flag.objects.exists()) == ("up", False)


def test_the_words_are_in_the_language_of_the_page(life):
    set_limit(Counted.SEARCHES, 1, seconds=3600)
    for _ in range(2):
        refused = life.tab.get(reverse("chat:history"), {"q": "x"}, headers={"Accept-Language": "zh-hans"})
    seconds = int(refused["Retry-After"])  # few where a window ends, as at each full hour
    few, many = f"操作过于频繁，请等待 {seconds} 秒。", f"操作太多了，请等待 {-(-seconds // 60)} 分钟。"
    assert refused.json()["error"]["text"] == (many if seconds > 120 else few)


def search(address, forwarded="", cookies=None):
    """Search as a new visitor at an address."""
    client = Client(REMOTE_ADDR=address, headers={"X-Forwarded-For": forwarded} if forwarded else {})
    client.cookies[COOKIE] = cookie_for(uuid.uuid4())
    return client.get(reverse("chat:history"), {"q": "x"}).status_code


def test_an_address_counts_for_all_its_visitors_and_others_go_on():
    set_limit(Counted.SEARCHES, 2, by="address")
    assert [search("203.0.113.7") for _ in range(3)] == [200, 200, 429]
    assert search("203.0.113.8") == 200


def test_a_forged_header_makes_no_new_address():
    set_limit(Counted.SEARCHES, 2, by="address")
    assert [search("203.0.113.7", f"198.51.100.{number}") for number in range(3)] == [200, 200, 429]


def test_behind_a_trusted_proxy_what_the_client_adds_makes_no_new_address(settings):
    settings.MMCHAT_TRUSTED_PROXIES = [ip_network("127.0.0.1/32")]
    set_limit(Counted.SEARCHES, 2, by="address")
    assert [search("127.0.0.1", f"198.51.100.{number}, 203.0.113.7") for number in range(3)] == [
        200,
        200,
        429,
    ]
    assert search("127.0.0.1", "198.51.100.1, 203.0.113.8") == 200


def test_an_ipv6_address_counts_by_its_64_bits():
    set_limit(Counted.SEARCHES, 2, by="address")
    assert [search(f"2001:db8:1:1::{number}") for number in range(1, 4)] == [200, 200, 429]
    assert search("2001:db8:1:2::1") == 200


def test_staff_are_never_refused_until_they_are_no_longer_staff(life):
    set_limit(Counted.SEARCHES, 1)
    person = User.objects.create_user("ann", is_staff=True)
    life.tab.force_login(person)
    search = lambda: life.tab.get(reverse("chat:history"), {"q": "x"}).status_code  # noqa: E731
    assert [search() for _ in range(3)] == [200] * 3
    User.objects.update(is_staff=False)
    assert search() == 429


def test_without_limits_nobody_waits(life, settings):
    settings.MMCHAT_LIMITS = False
    set_limit(Counted.OPINIONS, 1)
    statuses = [posted(life.tab, "feedback:vote", life.reply.pk, value="up").status_code for _ in range(5)]
    assert statuses == [200] * 5


def test_two_rules_of_one_kind_hold_at_once(life):
    set_limit(Counted.SEARCHES, 2, seconds=60)
    LimitRule.objects.create(name="a day", counted=Counted.SEARCHES, by="visitor", amount=3, seconds=86400)
    search = lambda: life.tab.get(reverse("chat:history"), {"q": "x"})  # noqa: E731
    assert [search().status_code for _ in range(3)] == [200, 200, 429]
    LimitRule.objects.filter(seconds=60).delete()
    Kept.forget_all()
    assert [search().status_code for _ in range(2)] == [200, 429]
    assert int(search()["Retry-After"]) > 1000


def test_what_is_too_large_or_no_picture_or_nobodys_counts_too(life, settings):
    settings.MMCHAT_MAX_IMAGE_MEGABYTES = 1
    set_limit(Counted.IMAGES, 3, by="address")
    stranger = Client()
    assert [sent(stranger).status_code, sent(life.tab, padding=1_048_576).status_code] == [403, 413]
    assert life.tab.post(reverse("chat:upload")).status_code == 400
    assert sent(life.tab).status_code == 429
    set_limit(Counted.IMAGES, 100)
    set_limit(Counted.MEGABYTES, 1)
    assert [sent(life.tab, padding=1_048_576).status_code for _ in range(2)] == [413, 429]


def test_a_session_that_gave_no_code_where_codes_are_required_is_nobody_of_the_staff(life, settings):
    person = User.objects.create_superuser("ann")
    life.tab.force_login(person)
    other = Life(person)
    picture = reverse("chat:image", args=[other.upload.pk])
    assert life.tab.get(picture).status_code == 200
    settings.MMCHAT_ADMIN_CODES = "required"
    assert life.tab.get(picture).status_code == 404
    set_limit(Counted.SEARCHES, 1)
    statuses = [life.tab.get(reverse("chat:history"), {"q": "x"}).status_code for _ in range(2)]
    assert statuses == [200, 429]
    assert not is_staff(life.tab.session.session_key)
    settings.MMCHAT_ADMIN_CODES = "optional"
    assert is_staff(life.tab.session.session_key)


def test_a_session_key_that_no_database_can_hold_is_nobodys(life):
    broken = '"\\000aaaaaaaaaaaaaaaa"'
    set_limit(Counted.RECEIPTS, 1, by="address")
    for _ in range(2):
        answer = Client().post(reverse("chat:receipt"), {"code": "none"}, HTTP_COOKIE=f"sessionid={broken}")
    assert answer.status_code == 429
    assert Client().get("/admin/login/", HTTP_COOKIE=f"sessionid={broken}").status_code == 200
    assert not is_staff("\0aaaaaaaaaaaaaaaa")
