"""Who may call the API: tokens are made and shown once in the admin, hashed, scoped, limited, revoked."""

import datetime
import re

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from chat.models import AuditEntry
from feedback.models import ApiToken, Scope
from tests.chat.admin.conftest import browser_of
from tests.feedback.api.conftest import Program, make_token

pytestmark = pytest.mark.django_db
ADD = "admin:feedback_apitoken_add"
LIST = "admin:feedback_apitoken_changelist"


@pytest.fixture
def analyst(db):
    user = User.objects.create_user("analyst", is_staff=True)
    user.groups.add(Group.objects.get(name="analyst"))
    return user


def test_a_token_is_shown_once_and_only_its_hash_is_kept(analyst):
    browser = browser_of(analyst)
    page = browser.post(reverse(ADD), {"name": "Notebook", "scopes": ["read:votes"]}).content.decode()
    [text] = re.findall(r'value="(mmchat_[^"]{40,})"', page)
    token = ApiToken.objects.get()
    assert text not in str(vars(token)) + str(list(AuditEntry.objects.values()))
    assert text not in browser.get(reverse(LIST)).content.decode()
    program = Program(text)
    assert program.read("votes") == {"items": [], "next": None}
    assert program.error("flags") == (403, "scope_missing", "scope")
    browser.post(reverse("admin:feedback_apitoken_revoke", args=[token.pk]))
    assert program.error("votes")[:2] == (401, "token_missing")
    actions = AuditEntry.objects.order_by("pk").values_list("action", "actor__username")
    assert list(actions) == [("token_create", "analyst"), ("token_revoke", "analyst")]


def test_nobody_gives_what_he_may_not_do(analyst):
    page = browser_of(analyst).post(reverse(ADD), {"name": "Notebook", "scopes": ["addresses"]})
    assert "You may not do this yourself: addresses." in page.content.decode()
    assert not ApiToken.objects.exists()


def test_a_moderator_makes_no_tokens(db):
    moderator = User.objects.create_user("moderator", is_staff=True)
    moderator.groups.add(Group.objects.get(name="moderator"))
    for page in (ADD, LIST):
        assert browser_of(moderator).get(reverse(page)).status_code == 403


def test_what_its_maker_may_no_longer_do_a_token_may_not_either(analyst):
    program = Program(make_token(analyst, Scope.VOTES)[1])
    program.read("votes")
    analyst.groups.clear()
    assert program.error("votes")[:2] == (403, "scope_missing")
    User.objects.update(is_active=False)
    assert program.error("votes")[:2] == (401, "token_missing")


def test_a_token_ends_with_its_time(root):
    text = make_token(root, Scope.VOTES, expires=timezone.now() + datetime.timedelta(hours=1))[1]
    Program(text).read("votes")
    ApiToken.objects.update(expires=timezone.now())
    assert Program(text).error("votes")[0] == 401


@pytest.mark.parametrize(
    "value", [None, "", "Bearer", "Bearer ", "Bearer x", "Basic cm9vdDpyb290", "Bearer \udcff"]
)
def test_without_a_token_nothing_is_told_but_that_one_is_needed(db, value):
    response = Client().get("/api/v1/votes", headers={} if value is None else {"Authorization": value})
    assert (response.status_code, response["WWW-Authenticate"]) == (401, "Bearer")
    assert response.json()["error"]["code"] == "token_missing"


def test_somebody_logged_in_needs_a_token_too(root):
    assert browser_of(root).get("/api/v1/votes").status_code == 401


def test_it_is_known_when_a_token_was_last_used(root):
    token, text = make_token(root, Scope.VOTES)
    Program(text).read("votes")
    token.refresh_from_db()
    assert timezone.now() - token.used < datetime.timedelta(minutes=1)
