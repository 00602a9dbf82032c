"""What visitors are told of what is stored follows from the settings, and what is told is what is done."""

import re
from datetime import timedelta
from io import BytesIO
from ipaddress import ip_network

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from PIL import Image as Picture
from PIL.PngImagePlugin import PngInfo

from chat.addresses import client_address, keyed_hash
from chat.kept import Kept
from chat.models import (
    AddressKey,
    AuditEntry,
    Backend,
    ChatModel,
    Image,
    LimitRule,
    ModerationCheck,
    ModerationEvent,
    Placement,
    SiteText,
    Visitor,
)
from chat.purge import purge
from chat.visitors import ensure_visitor
from tests.feedback.stories import exchange, make_conversation, make_visitor

pytestmark = pytest.mark.django_db
ADDRESS = client_address("203.0.113.7", "")


def page(**headers):
    answer = Client().get("/privacy/", headers=headers)
    assert answer.status_code == 200
    assert not answer.cookies
    return re.sub(r"\s+", " ", answer.content.decode())


@pytest.mark.parametrize(
    ("setting", "value", "words"),
    [
        ("MMCHAT_KEEP_DAYS", 91, "91 days after the last message."),
        ("MMCHAT_KEEP_DELETED_DAYS", 12, "Until you delete them, and 12 days after that."),
        ("MMCHAT_KEEP_EXPORTS_DAYS", 4, "Files of exports: 4 days."),
        ("MMCHAT_KEEP_ADDRESSES_DAYS", 9, "Its key changes every 9 days"),
        ("MMCHAT_KEEP_ADDRESSES_DAYS", 0, "a hash of it with a secret key"),
        ("MMCHAT_STORE_ADDRESSES", True, "The IP address from which you wrote first in a period of 30 days"),
        ("MMCHAT_KEEP_DELETED_DAYS", 3, "Until you delete everything of yours, and 3 days after that."),
        ("MMCHAT_ADMIN_LOCK_SECONDS", 36000, "At most 11 hours."),
        ("MMCHAT_TRUSTED_PROXIES", [ip_network("127.0.0.1/32")], "in front of this one may note addresses"),
        ("REDIS_URL", "redis://127.0.0.1:1/0", "At most 24 hours."),
        ("MMCHAT_KEEP_MODERATION_DAYS", 17, "17 days"),
        ("MMCHAT_KEEP_AUDIT_DAYS", 366, "366 days"),
        ("MMCHAT_MODERATE", True, "That goes to api.openai.com, without"),
        ("MMCHAT_MODERATION_URL", "https://guard.example.org/v1", "guard.example.org"),
        ("SESSION_COOKIE_AGE", 10800, "3 hours"),
    ],
)
def test_a_setting_that_changes_changes_the_page(settings, setting, value, words):
    if setting == "MMCHAT_MODERATION_URL":
        settings.MMCHAT_MODERATE = True
    assert words not in page()
    setattr(settings, setting, value)
    assert words in page()


def test_what_staff_set_changes_it_too():
    assert "only if you switch that on" not in page()
    SiteText.objects.update_or_create(pk=1, defaults={"offers_research": True})
    assert "only if you switch that on" in page()
    assert "may be run by others" not in page()
    Backend.objects.create(name="hosted", kind="openai", url="https://models.example.org/v1")
    assert "may be run by others" in page()


def test_each_check_that_is_set_up_is_told():
    assert "Nothing is checked by itself." in page()
    ModerationCheck.objects.create(name="words", kind="lists", words="bomb", on_replies=True)
    assert "your messages, replies. It does not leave this site for that." in page()
    ModerationCheck.objects.create(
        name="guard", kind="openai", url="https://guard.example.org/v1/moderations", on_images=True
    )
    assert "your messages, your images, replies. That goes to guard.example.org, without" in page()
    ModerationCheck.objects.update(enabled=False)
    assert "Nothing is checked by itself." in page()


def test_a_guard_at_another_host_is_told():
    guard = ChatModel.objects.create(name="llama-guard")
    near = Backend.objects.create(name="near", kind="openai", url="http://10.0.0.7:8000")
    Placement.objects.create(model=guard, backend=near)
    ModerationCheck.objects.create(name="guard", kind="guard", guard=guard, unsafe="^unsafe", safe="^safe")
    assert "That goes to 10.0.0.7, without" in page()
    far = Backend.objects.create(name="far", kind="openai", url="https://guards.example.org/v1")
    Placement.objects.create(model=guard, backend=far)
    assert "That goes to 10.0.0.7, guards.example.org, without" in page()


def test_how_long_counts_stay_follows_from_the_limits(settings):
    assert "At most 2 hours." in page()  # two windows of the megabytes, which are an hour long
    LimitRule.objects.create(name="a day", counted="messages", by="visitor", amount=300, seconds=86400)
    Kept.forget_all()
    assert "At most 48 hours." in page()
    assert "How often you did what has a limit" in page()
    settings.MMCHAT_LIMITS = False
    Kept.forget_all()
    assert "How often you did what has a limit" not in page()


def test_addresses_of_before_go_where_they_are_no_longer_kept(settings):
    settings.MMCHAT_STORE_ADDRESSES, settings.MMCHAT_KEEP_ADDRESSES_DAYS = True, 0
    visitor = ensure_visitor(make_visitor().key, ADDRESS)
    purge()
    assert Visitor.objects.get(pk=visitor.pk).address == str(ADDRESS)
    settings.MMCHAT_STORE_ADDRESSES = False
    assert "Not the IP address" in page()
    purge()
    visitor.refresh_from_db()
    assert (visitor.address, visitor.address_hash) == (None, keyed_hash(ADDRESS))


def test_it_is_in_chinese_too_and_linked_from_where_visitors_look(client):
    assert "本站存储哪些内容" in page(**{"Accept-Language": "zh-cn"})
    start = client.get("/").content.decode()
    assert start.count('href="/privacy/"') == 2  # Your data, and the terms
    assert 'href="/privacy/"' in client.get("/receipt/").content.decode()


def test_every_cookie_that_is_set_is_on_it(client, settings):
    client.get("/")
    client.post("/language/", {"language": "en"})
    told = set(re.findall(r"<code>(\w+)</code>", page()))
    assert set(client.cookies) == {"mmchat_visitor", "csrftoken", "django_language"}
    staff = Client()
    User.objects.create_superuser("person", password="a right long password")
    staff.post(reverse("admin:login"), {"username": "person", "password": "a right long password"})
    assert settings.SESSION_COOKIE_NAME in staff.cookies
    rule = {"name": "x", "counted": "frames", "by": "visitor", "amount": 5, "seconds": 9}
    assert staff.post(reverse("admin:chat_limitrule_add"), rule).status_code == 302
    assert "messages" in staff.cookies
    assert told == set(client.cookies) | set(staff.cookies)


def test_a_hash_can_be_compared_for_a_while_and_then_nobody_finds_its_address(settings, monkeypatch):
    first = ensure_visitor(make_visitor().key, ADDRESS)
    second = ensure_visitor(make_visitor().key, ADDRESS)
    assert first.address_hash == second.address_hash != keyed_hash(ADDRESS)
    assert first.address is None
    key = AddressKey.objects.get().key
    later = timezone.now() + timedelta(days=31)
    monkeypatch.setattr("chat.address_keys.timezone.now", lambda: later)
    monkeypatch.setattr("chat.retention.timezone.now", lambda: later)
    # Who comes again is noted under the new key; who does not is forgotten, with the old key.
    again = ensure_visitor(second.key, ADDRESS)
    assert again.address_hash != first.address_hash
    assert purge()["addresses"] == 1
    assert key not in set(AddressKey.objects.values_list("key", flat=True))
    first.refresh_from_db()
    assert (first.address_hash, first.address, first.address_noted) == ("", None, None)
    assert Visitor.objects.get(pk=second.pk).address_hash == again.address_hash


def test_without_an_end_one_key_holds_for_ever(settings):
    settings.MMCHAT_KEEP_ADDRESSES_DAYS = 0
    visitor = ensure_visitor(make_visitor().key, ADDRESS)
    assert visitor.address_hash == keyed_hash(ADDRESS)
    Visitor.objects.update(address_noted=timezone.now() - timedelta(days=4000))
    assert "addresses" not in purge()


def test_what_checks_said_and_the_audit_log_go_when_the_host_says(settings):
    question = exchange(make_conversation()).parent
    for outcome, dry_run in (("refused", False), ("refused", True), ("unavailable_allowed", False)):
        ModerationEvent.objects.create(message=question, check_name="c", outcome=outcome, dry_run=dry_run)
    ModerationEvent.objects.update(created=timezone.now() - timedelta(days=11))
    AuditEntry.objects.create(action="old")
    AuditEntry._base_manager.update(created=timezone.now() - timedelta(days=11))
    assert not {"moderation events", "audit entries"} & set(purge())
    settings.MMCHAT_KEEP_MODERATION_DAYS = settings.MMCHAT_KEEP_AUDIT_DAYS = 10
    gone = purge()
    assert (gone["moderation events"], gone["audit entries"]) == (2, 1)
    assert list(ModerationEvent.objects.values_list("outcome", "dry_run")) == [("refused", False)]
    assert list(AuditEntry.objects.values_list("action", flat=True)) == ["purge"]


def test_sessions_that_ended_are_removed(client):
    for key, days in (("ended", -1), ("lasting", 1)):
        Session.objects.create(
            session_key=key, session_data="", expire_date=timezone.now() + timedelta(days=days)
        )
    purge()
    assert list(Session.objects.values_list("session_key", flat=True)) == ["lasting"]


def told_photo(file_format):
    """Give a photo in which all that its format can hold tells something secret, and how often it does."""
    exif = Picture.Exif()
    exif[0x010F], exif[0x9286] = "SECRET-CAMERA", b"ASCII\0\0\0SECRET-COMMENT"
    exif.get_ifd(0x8825).update(
        {1: "N", 2: (48.0, 51.0, 29.9), 3: "E", 4: (2.0, 17.0, 40.2), 27: b"SECRET-PLACE"}
    )
    xmp, profile = b"<x:xmpmeta>SECRET-XMP</x:xmpmeta>", b"SECRET-PROFILE" * 10
    text = PngInfo()
    text.add_text("Author", "SECRET-AUTHOR")
    text.add_itxt("XML:com.adobe.xmp", "SECRET-XMP")
    options = {
        "JPEG": {"exif": exif, "xmp": xmp, "comment": b"SECRET-NOTE", "icc_profile": profile},
        "PNG": {"exif": exif, "pnginfo": text},
        "WEBP": {"exif": exif, "xmp": xmp, "icc_profile": profile},
        "GIF": {"comment": b"SECRET-NOTE"},
    }
    file = BytesIO()
    Picture.new("RGB", (64, 48), "teal").save(file, file_format, **options[file_format])
    data = file.getvalue()
    if file_format == "JPEG":  # behind its start a segment of IPTC, as picture agencies write it
        iptc = b"Photoshop 3.0\x008BIM\x04\x04\0\0\0\0\0\x10\x1c\x02\x50\0\x0bSECRET-IPTC"
        data = data[:2] + b"\xff\xed" + (len(iptc) + 2).to_bytes(2, "big") + iptc + data[2:]
    return data


@pytest.mark.parametrize(("file_format", "secrets"), [("JPEG", 16), ("PNG", 5), ("WEBP", 14), ("GIF", 1)])
def test_where_and_with_what_a_picture_was_taken_is_in_no_stored_file(
    client, settings, tmp_path, file_format, secrets
):
    settings.STORAGES = settings.STORAGES | {
        "default": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(tmp_path)},
        }
    }
    data = told_photo(file_format)
    assert data.count(b"SECRET-") == secrets
    file = BytesIO(data)
    file.name = "photo"
    assert client.get("/").status_code == 200
    assert client.post("/uploads/", {"image": file}).status_code == 201
    stored = Image.objects.get().file_names
    assert len(stored) == 3
    for name in stored:
        content = (tmp_path / name).read_bytes()
        assert b"SECRET" not in content
        with Picture.open(tmp_path / name) as picture:
            assert not picture.getexif()
            assert not {"exif", "xmp", "comment", "icc_profile", "photoshop", "Author"} & set(picture.info)
