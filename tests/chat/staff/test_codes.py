"""One-time codes: set up by oneself, asked for at log-in, each good for one, and required where the host says so."""

import re
from base64 import b32decode
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django_otp.oath import totp
from django_otp.plugins.otp_totp.models import TOTPDevice

from chat.models import AuditEntry
from chat.staff import codes
from tests.chat.admin.conftest import browser_of
from tests.chat.admin.pages import Elements

pytestmark = pytest.mark.django_db
PASSWORD = "a right long password"


@pytest.fixture
def person():
    return User.objects.create_superuser("person", password=PASSWORD)


def code_of(user):
    """Give what the person's app shows; a code counts once, so the one before is forgotten here."""
    TOTPDevice.objects.update(last_t=-1, throttling_failure_count=0, throttling_failure_timestamp=None)
    return f"{totp(TOTPDevice.objects.get(user=user).bin_key):06}"


def set_up(browser, user):
    browser.get(reverse("admin:codes"))
    page = browser.post(reverse("admin:codes"), {"code": code_of(user)}).content.decode()
    return re.findall(r"<code>(\w+)</code>", page)


def log_in(client=None, **form):
    client = client or Client()
    client.post(reverse("admin:login"), {"username": "person", "password": PASSWORD, **form})
    return "_auth_user_id" in client.session


def actions():
    return list(AuditEntry.objects.order_by("pk").values_list("action", flat=True))


def test_nobody_is_asked_for_a_code_until_somebody_set_one_up(client, person):
    assert 'name="code"' not in client.get(reverse("admin:login")).content.decode()
    assert log_in()


def test_a_code_is_set_up_by_a_picture_or_by_typing_and_then_asked_for(client, person):
    browser = browser_of(person)
    page = browser.get(reverse("admin:codes")).content.decode()
    assert Elements(page).breaches() == []
    assert 'src="data:image/svg+xml' in page
    secret = re.search(r"Secret: <code>([A-Z2-7 ]+)</code>", page)[1].replace(" ", "")
    assert b32decode(secret) == TOTPDevice.objects.get().bin_key
    assert log_in(), "a secret that no app has shown to know must not count"
    assert (
        "not the code of this moment"
        in browser.post(reverse("admin:codes"), {"code": "000000"}).content.decode()
    )
    assert not codes.has(person)
    assert len(set_up(browser, person)) == 10
    assert 'name="code"' in client.get(reverse("admin:login")).content.decode()
    assert not log_in()
    assert not log_in(code="000000")
    code = code_of(person)
    assert log_in(code=code[:3] + " " + code[3:])
    assert not log_in(code=code), "a code counts once"
    assert actions() == ["log_in", "codes_on", "codes_list", "log_in"]


def test_a_wrong_password_and_a_wrong_code_look_alike(client, person):
    set_up(browser_of(person), person)
    form = {"username": "person", "password": PASSWORD, "code": "000000"}
    one = client.post(reverse("admin:login"), form).content.decode()
    other = client.post(reverse("admin:login"), {**form, "password": "wrong"}).content.decode()
    told = re.compile(r'errornote" role="alert">([^<]+)<')
    assert told.findall(one) == told.findall(other) != []


def test_guessing_codes_locks_out_like_guessing_passwords(settings, person):
    settings.MMCHAT_ADMIN_TRIES = 3
    set_up(browser_of(person), person)
    for number in range(3):
        assert not log_in(code=f"{number:06}")
    assert not log_in(code=code_of(person))


def test_each_code_of_the_list_is_good_for_one_log_in(person):
    browser = browser_of(person)
    first, second, *_ = set_up(browser, person)
    assert log_in(code=first)
    assert not log_in(code=first)
    assert "9 codes of your list" in browser.get(reverse("admin:codes")).content.decode()
    answer = browser.post(reverse("admin:codes"), {"code": code_of(person), "list": "1"}).content.decode()
    assert len(re.findall(r"<code>(\w+)</code>", answer)) == 10
    assert not log_in(code=second)


def test_codes_are_switched_off_by_oneself_with_a_code_or_by_who_may_change_users(person):
    browser = browser_of(person)
    set_up(browser, person)
    browser.post(reverse("admin:codes"), {"code": "000000", "off": "1"})
    assert codes.has(person)
    browser.post(reverse("admin:codes"), {"code": code_of(person), "off": "1"})
    assert not codes.has(person)
    assert log_in()
    set_up(browser, person)
    boss = User.objects.create_superuser("boss")
    chosen = {"action": "take_codes", "_selected_action": [person.pk]}
    browser_of(boss).post(reverse("admin:auth_user_changelist"), chosen)
    assert not codes.has(person)
    last = AuditEntry.objects.order_by("pk").last()
    assert (last.action, last.actor, last.target) == ("codes_off", boss, f"user {person.pk}")


def test_a_host_can_require_them_and_then_a_password_alone_opens_nothing(settings, person):
    settings.MMCHAT_ADMIN_CODES = "required"
    old = browser_of(person)
    assert old.get(reverse("admin:index")).status_code == 302, "a session from before counts no more"
    browser = Client()
    assert not log_in(browser)
    assert browser.get(reverse("admin:index")).status_code == 302
    assert "nobody in by a password alone" in browser.get(reverse("admin:codes")).content.decode()
    key = browser.session.session_key
    assert len(set_up(browser, person)) == 10
    assert browser.session.session_key != key
    assert browser.get(reverse("admin:index")).status_code == 200
    # Switching them off is not offered, and would lead here again.
    assert 'name="off"' not in browser.get(reverse("admin:codes")).content.decode()
    assert log_in(code=code_of(person))


def test_whose_password_was_right_has_a_quarter_of_an_hour_to_set_codes_up(settings, person, monkeypatch):
    settings.MMCHAT_ADMIN_CODES = "required"
    browser = Client()
    log_in(browser)
    later = (timezone.now() + timedelta(seconds=901)).timestamp()
    monkeypatch.setattr("chat.staff.site.time.time", lambda: later)
    assert browser.get(reverse("admin:codes")).headers["Location"] == reverse("admin:login")
    assert Client().get(reverse("admin:codes")).headers["Location"] == reverse("admin:login")
