"""Who may change accounts and roles gives nobody more than one has oneself."""

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.urls import reverse
from django_otp.plugins.otp_totp.models import TOTPDevice

from chat.models import AuditEntry
from tests.chat.admin.conftest import browser_of
from tests.chat.admin.pages import address

pytestmark = pytest.mark.django_db


@pytest.fixture
def clerk():
    """Give somebody who looks after accounts and roles, and may nothing else."""
    clerk = User.objects.create_user("clerk", is_staff=True)
    codenames = [
        f"{action}_{model}" for action in ("view", "change", "delete") for model in ("user", "group")
    ]
    desk = Group.objects.create(name="desk")
    desk.permissions.set(Permission.objects.filter(codename__in=codenames))
    clerk.groups.add(desk)
    return clerk


def change(editor, user, **more):
    form = {
        "username": user.username,
        "is_active": "on",
        "is_staff": "on",
        "date_joined_0": "2026-01-01",
        "date_joined_1": "00:00:00",
    }
    return browser_of(editor).post(reverse("admin:auth_user_change", args=[user.pk]), form | more)


def test_nobody_makes_oneself_a_superuser_or_an_administrator(clerk):
    change(clerk, clerk, is_superuser="on", groups=[clerk.groups.get().pk])
    everything = Permission.objects.get(codename="add_export")
    for more in (
        {"groups": [Group.objects.get(name="administrator").pk]},
        {"user_permissions": [everything.pk]},
    ):
        assert change(clerk, clerk, **more).status_code == 200  # the form comes back: it is no choice
    clerk = User.objects.get(pk=clerk.pk)
    assert not clerk.is_superuser
    assert {group.name for group in clerk.groups.all()} == {"desk"}
    assert not clerk.has_perm("feedback.add_export")


@pytest.mark.parametrize("active", [True, False])
@pytest.mark.parametrize("more", ["superuser", "administrator"])
def test_nobody_takes_over_who_may_more(clerk, more, active):
    other = User.objects.create_user(
        "other", is_staff=True, is_superuser=more == "superuser", is_active=active
    )
    if more == "administrator":
        other.groups.add(Group.objects.get(name="administrator"))
    TOTPDevice.objects.create(user=other, confirmed=True)
    browser = browser_of(clerk)
    new = {"password1": "long enough 2", "password2": "long enough 2", "set-password": "1"}
    answer = browser.post(reverse("admin:auth_user_password_change", args=[other.pk]), new)
    assert answer.status_code == 403
    assert change(clerk, other).status_code == 403
    for action in ("take_codes", "delete_selected"):
        form = {"action": action, "_selected_action": [other.pk], "post": "yes"}
        browser.post(address(User, "changelist"), form)
    assert User.objects.get(pk=other.pk).password == other.password
    assert TOTPDevice.objects.filter(user=other).exists()
    assert not AuditEntry.objects.exists()


def test_nobody_puts_more_into_a_role_than_one_has(clerk):
    desk, page = clerk.groups.get(), "admin:auth_group_change"
    more = Permission.objects.get(codename="add_export")
    form = {"name": "desk", "permissions": [*desk.permissions.values_list("pk", flat=True), more.pk]}
    assert browser_of(clerk).post(reverse(page, args=[desk.pk]), form).status_code == 200
    administrators = Group.objects.get(name="administrator")
    assert browser_of(clerk).post(reverse(page, args=[administrators.pk]), form).status_code == 403
    assert not desk.permissions.filter(pk=more.pk).exists()


def test_administrators_give_the_roles_that_there_are():
    administrator = User.objects.create_user("a", is_staff=True)
    administrator.groups.add(Group.objects.get(name="administrator"))
    new = User.objects.create_user("new")
    chosen = list(Group.objects.values_list("pk", flat=True))
    assert change(administrator, new, groups=chosen).status_code == 302
    assert new.groups.count() == len(chosen) > 2
