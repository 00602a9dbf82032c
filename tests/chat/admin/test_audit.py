"""What staff change is in the audit log: who, what, which fields."""

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.urls import reverse

from chat.admin.access import AuditedAdmin, ReadOnlyAdmin
from chat.admin.restrictions import RestrictionAdmin
from chat.models import Announcement, AuditEntry, EmbeddingSite, ParameterRange, SiteText
from tests.chat.admin.pages import address
from tests.chat.admin.test_what_staff_may_do import NO_TRANSLATIONS

pytestmark = pytest.mark.django_db


def entries():
    return [(row.action, row.target, row.detail) for row in AuditEntry.objects.order_by("pk")]


def test_whatever_can_be_changed_here_tells_the_audit_log():
    # Restrictions and what is read-only but for actions write entries of their own.
    untold = [
        type(one).__name__
        for one in admin.site._registry.values()
        if not isinstance(one, AuditedAdmin | ReadOnlyAdmin | RestrictionAdmin)
    ]
    assert untold == []


def test_a_row_that_is_added_changed_and_deleted(office, administrator):
    form = {"origin": "https://a.example.org", "note": "x"}
    office.post(address(EmbeddingSite, "add"), form)
    row = EmbeddingSite.objects.get()
    page = address(EmbeddingSite, "change", row.pk)
    office.post(page, form | {"note": "y"})
    office.post(page, form | {"note": "y"})  # nothing is changed
    office.post(address(EmbeddingSite, "delete", row.pk), {"post": "yes"})
    name, target = {"name": str(row)}, f"embeddingsite {row.pk}"
    assert entries() == [
        ("add", target, name),
        ("change", target, name | {"changes": [{"changed": {"fields": ["Note"]}}]}),
        ("delete", target, name),
    ]
    assert set(AuditEntry.objects.values_list("actor", flat=True)) == {administrator.pk}


def test_texts_and_rows_that_are_changed_in_a_list(office):
    text = SiteText.objects.first() or SiteText.objects.create()
    office.post(address(SiteText, "change", text.pk), {"title": "New", **NO_TRANSLATIONS})
    assert [entry[:2] for entry in entries()] == [("change", f"sitetext {text.pk}")]
    rows = list(ParameterRange.objects.order_by("pk"))
    form = {"form-TOTAL_FORMS": len(rows), "form-INITIAL_FORMS": len(rows), "_save": "1"}
    listed = office.get(address(ParameterRange, "changelist")).context["cl"].result_list
    for number, row in enumerate(listed):
        form |= {
            f"form-{number}-{field}": getattr(row, field)
            for field in ("minimum", "maximum", "step", "default")
        }
        form[f"form-{number}-id"] = row.pk
    form["form-0-default"] = listed[0].minimum
    office.post(address(ParameterRange, "changelist"), form)
    assert [entry[1] for entry in entries()[1:]] == [f"parameterrange {listed[0].pk}"]


def test_accounts_and_roles(office):
    form = {
        "username": "new",
        "usable_password": "true",
        "password1": "long enough 1",
        "password2": "long enough 1",
    }
    office.post(reverse("admin:auth_user_add"), form)
    person = User.objects.get(username="new")
    form = {"password1": "long enough 2", "password2": "long enough 2", "set-password": "1"}
    office.post(reverse("admin:auth_user_password_change", args=[person.pk]), form)
    office.post(reverse("admin:auth_group_add"), {"name": "night shift"})
    group = Group.objects.get(name="night shift")
    assert [entry[:2] for entry in entries()] == [
        ("add", f"user {person.pk}"),
        ("change", f"user {person.pk}"),
        ("add", f"group {group.pk}"),
    ]
    assert "long enough" not in str(entries())


def test_several_that_are_deleted_at_once(office):
    for text in "ab":
        Announcement.objects.create(text=text)
    pks = list(Announcement.objects.values_list("pk", flat=True))
    chosen = {"action": "delete_selected", "_selected_action": pks, "post": "yes"}
    office.post(address(Announcement, "changelist"), chosen)
    assert {entry[:2] for entry in entries()} == {("delete", f"announcement {pk}") for pk in pks}
