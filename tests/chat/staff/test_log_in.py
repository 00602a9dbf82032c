"""Log-in of staff: locked after wrong passwords, at a path and from networks of the host's choice."""

import re
import threading
from datetime import timedelta
from ipaddress import ip_network

import pytest
from django.contrib import auth
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from chat.models import AuditEntry, LogInTries
from chat.purge import purge
from chat.staff import lock_out
from chat.staff.forms import LogInForm
from tests.chat.admin.conftest import browser_of

pytestmark = pytest.mark.django_db
RIGHT, WRONG = "a right long password", "wrong"


@pytest.fixture(autouse=True)
def person(settings):
    settings.MMCHAT_ADMIN_TRIES = 3
    return User.objects.create_superuser("person", password=RIGHT)


def log_in(password, name="person", client=None, address="203.0.113.5", **headers):
    form = {"username": name, "password": password}
    return (client or Client()).post(reverse("admin:login"), form, REMOTE_ADDR=address, headers=headers)


def test_wrong_passwords_lock_an_address_out_and_say_for_how_long():
    assert [log_in(WRONG).status_code for _ in range(3)] == [200, 200, 429]
    answer = log_in(RIGHT)
    assert answer.status_code == 429
    assert 880 < int(answer["Retry-After"]) <= 900
    assert "for 15 minutes. Try again then." in answer.content.decode()
    assert f'<a href="{reverse("admin:login")}">Try again</a>' in answer.content.decode()
    assert "_auth_user_id" not in answer.client.session
    page = Client().get(
        reverse("admin:login"), REMOTE_ADDR="203.0.113.5", headers={"Accept-Language": "zh-cn"}
    )
    assert page.status_code == 429
    assert "15 分钟" in page.content.decode()
    assert [entry.action for entry in AuditEntry.objects.all()] == ["lock_out"]


def test_other_addresses_log_in_meanwhile():
    for _ in range(4):
        log_in(WRONG)
    assert log_in(RIGHT, address="203.0.113.6").status_code == 302
    # One subscriber of IPv6 holds a whole /64.
    for number in range(3):
        log_in(WRONG, address=f"2001:db8::{number}")
    assert log_in(RIGHT, address="2001:db8::ffff").status_code == 429


def test_a_name_is_locked_when_many_addresses_try_it():
    for number in range(3 * lock_out.NAMES):
        log_in(WRONG, address=f"198.51.100.{number}")
    assert log_in(RIGHT, name="PERSON", address="203.0.113.9").status_code == 429


def test_the_lock_ends_and_tries_during_it_do_not_make_it_longer():
    for _ in range(3):
        log_in(WRONG)
    LogInTries.objects.update(last=timezone.now() - timedelta(seconds=895))
    answer = log_in(WRONG)
    assert answer.status_code == 429
    assert int(answer["Retry-After"]) <= 5
    assert re.search(rf"for {answer['Retry-After']} seconds?\. Try again", answer.content.decode())
    LogInTries.objects.update(last=timezone.now() - timedelta(seconds=901))
    assert log_in(WRONG).status_code == 200
    assert log_in(RIGHT).status_code == 302


def test_a_log_in_forgets_the_tries_before_it_in_its_browser():
    own = Client()
    log_in(RIGHT, client=own)
    for _ in range(2):
        for _ in range(2):
            log_in(WRONG, client=own)
        assert log_in(RIGHT, client=own).status_code == 302
    assert not LogInTries.objects.exists()


def test_neither_addresses_nor_names_are_kept_and_old_tries_go():
    log_in(WRONG, name="somebody's password")
    assert {len(row.who) for row in LogInTries.objects.all()} == {64}
    purge()
    assert LogInTries.objects.count() == 2
    LogInTries.objects.update(last=timezone.now() - timedelta(seconds=901))
    purge()
    assert not LogInTries.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_tries_at_once_are_no_more_than_tries_one_after_the_other(monkeypatch):
    """Two processes share the count as threads do here: by the database."""
    looked_at, all_here = [], threading.Barrier(8)
    clean = LogInForm.clean
    monkeypatch.setattr(LogInForm, "clean", lambda form: (looked_at.append(1), clean(form))[1])

    def try_once():
        try:
            all_here.wait(60)
            log_in(WRONG)
        finally:
            connection.close()

    threads = [threading.Thread(target=try_once) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(looked_at) == 3


def test_a_session_gets_a_new_key_at_log_in_and_with_a_new_password(person):
    client = Client()
    client.get(reverse("admin:login"))
    client.session.save()
    keys = []
    log_in(RIGHT, client=client)
    keys.append(client.session.session_key)
    other = browser_of(person)
    form = {"old_password": RIGHT, "new_password1": "another long one", "new_password2": "another long one"}
    client.post(reverse("admin:password_change"), form)
    keys.append(client.session.session_key)
    assert len(set(keys)) == 2
    # What was logged in elsewhere with the old password is not any more.
    assert other.get(reverse("admin:index")).status_code == 302
    assert client.get(reverse("admin:index")).status_code == 200
    assert {"log_in", "password"} == set(AuditEntry.objects.values_list("action", flat=True))


def test_a_session_lasts_as_long_as_the_host_says(settings):
    assert settings.SESSION_COOKIE_AGE == settings.MMCHAT_ADMIN_SESSION_HOURS * 3600 == 12 * 3600


@pytest.mark.parametrize(
    ("address", "forwarded", "status"),
    [
        ("192.0.2.7", None, 200),
        ("203.0.113.5", None, 404),
        ("203.0.113.5", "192.0.2.7", 404),  # anybody can write that
        ("10.0.0.1", "192.0.2.7", 200),
        ("10.0.0.1", "192.0.2.7, 203.0.113.5", 404),
        ("10.0.0.1", None, 404),
    ],
)
def test_only_the_networks_of_the_host_find_it(client, settings, address, forwarded, status):
    settings.MMCHAT_ADMIN_NETWORKS = [ip_network("192.0.2.0/24")]
    settings.MMCHAT_TRUSTED_PROXIES = [ip_network("10.0.0.0/8")]
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    for path in (reverse("admin:login"), reverse("admin:codes"), "/admin", "/admin/chat/visitor/"):
        answer = client.get(path, REMOTE_ADDR=address, headers=headers)
        assert (answer.status_code == 404) == (status == 404), path
    if status == 404:
        assert answer.content == client.get("/nothing/", REMOTE_ADDR=address).content
    assert client.get("/healthz", REMOTE_ADDR=address).status_code == 200
    assert auth.get_user(client).is_anonymous


@pytest.mark.parametrize("way", ["get", "head", "post", "options"])
def test_it_is_hidden_by_the_very_answer_of_what_is_not_there(settings, way):
    settings.MMCHAT_ADMIN_NETWORKS = [ip_network("192.0.2.0/24")]
    for hidden, other in (
        ("/admin/", "/nothing/"),
        ("/admin", "/nothing"),
        ("/admin/login/", "/nothing/here/"),
    ):
        answers = [getattr(Client(enforce_csrf_checks=True), way)(path) for path in (hidden, other)]
        told = [(each.status_code, each.content, sorted(each.headers)) for each in answers]
        assert told[0] == told[1], hidden


def test_each_way_to_type_a_name_counts_as_one():
    # The form takes spaces off and writes wide letters narrow: each of these is tried for `person`.
    for number, name in enumerate(["person", " person", "person  ", "ｐｅｒｓｏｎ", "PERSON"] * 6):
        log_in(WRONG, name=name, address=f"198.51.100.{number}")
    assert log_in(RIGHT, address="203.0.113.9").status_code == 429


def test_who_types_the_name_of_somebody_locks_nobody_out_who_was_here_before():
    own = Client()
    assert log_in(RIGHT, client=own).status_code == 302
    own.post(reverse("admin:logout"))
    for number in range(3 * lock_out.NAMES):
        log_in(WRONG, address=f"198.51.100.{number}")
    for _ in range(3):
        log_in(WRONG, name="x")  # at the same address
    assert log_in(RIGHT).status_code == 429
    assert own.get(reverse("admin:login"), REMOTE_ADDR="203.0.113.5").status_code == 200
    assert log_in(RIGHT, client=own).status_code == 302


def test_a_browser_of_somebody_has_tries_for_that_name_only_and_not_more_than_an_address():
    own = Client()
    log_in(RIGHT, client=own)
    cookie = own.cookies[lock_out.COOKIE]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/admin/")
    tries = [log_in(WRONG, client=own, address=f"198.51.100.{number}").status_code for number in range(4)]
    assert tries == [200, 200, 429, 429]
    User.objects.create_superuser("other", password=RIGHT)
    for number in range(3 * lock_out.NAMES):
        log_in(WRONG, name="other", client=own, address=f"192.0.2.{number}")
    assert log_in(RIGHT, name="other", client=own, address="203.0.113.8").status_code == 429
    forged = Client()
    forged.cookies[lock_out.COOKIE] = cookie.value[:-1] + ("A" if cookie.value[-1] != "A" else "B")
    assert [log_in(WRONG, name="x", client=forged).status_code for _ in range(3)] == [200, 200, 429]


def test_who_has_an_account_gets_no_more_tries_for_others_by_logging_in_between():
    User.objects.create_user("insider", password=RIGHT, is_staff=True)
    answers = []
    for _ in range(3):
        answers.append(log_in(WRONG).status_code)
        log_in(RIGHT, name="insider")
    assert answers == [200, 200, 429]
