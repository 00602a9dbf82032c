"""Who may see and change what."""

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from chat.models import (
    AuditEntry,
    Conversation,
    Image,
    Message,
    ModerationEvent,
    ServerProcess,
    SiteText,
    Terms,
    Upload,
    Visitor,
    Worker,
)
from feedback.models import Flag, Preference, Vote, VoteChange, VoteReason
from tests.chat.admin.conftest import browser_of
from tests.chat.admin.pages import ADMINS, IDS, address
from tests.chat.admin.rows import make_everything

pytestmark = pytest.mark.django_db
READ_ONLY = [
    AuditEntry, Conversation, Image, Message, ModerationEvent, Preference, ServerProcess, Upload, Visitor, Vote,
    VoteChange,
]  # fmt: skip
NO_TRANSLATIONS = {"translations-TOTAL_FORMS": 0, "translations-INITIAL_FORMS": 0}


@pytest.fixture
def everything():
    return make_everything()


@pytest.mark.parametrize("model", READ_ONLY, ids=lambda model: model.__name__)
def test_nobody_forges_changes_or_deletes_what_the_site_writes(office, everything, model):
    row = model.objects.first()
    before = list(model.objects.order_by("pk").values())
    fields = dict.fromkeys(("text", "title", "name", "action", "value", "host", "comment", "md5"), "forged")
    assert office.post(address(model, "add"), fields).status_code == 403
    assert office.post(address(model, "change", row.pk), fields).status_code == 403
    assert office.post(address(model, "delete", row.pk), {"post": "yes"}).status_code == 403
    chosen = {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"}
    office.post(address(model, "changelist"), chosen)
    assert list(model.objects.order_by("pk").values()) == before


@pytest.mark.parametrize("model", ADMINS, ids=IDS)
def test_a_page_needs_the_permission_to_view_it(staff, everything, model):
    row = model._default_manager.first()
    kind = f"{model._meta.app_label}.view_{model._meta.model_name}"
    for user, status in ((staff(), 403), (staff(kind), 200)):
        browser = browser_of(user)
        for url in (address(model, "changelist"), address(model, "change", row.pk)):
            assert browser.get(url, follow=True).status_code == status


def test_pictures_votes_and_flags_in_a_chat_need_their_own_permissions(staff, everything):
    url = address(Conversation, "change", everything.conversation_id)
    plain = browser_of(staff("chat.view_conversation")).get(url).content.decode()
    assert "Harmful or unsafe" not in plain
    assert "Vote:" not in plain
    assert "thumbnail" not in plain
    kinds = ("chat.view_conversation", "chat.view_image", "feedback.view_vote", "feedback.view_flag")
    full = browser_of(staff(*kinds))
    page = full.get(url).content.decode()
    assert "Harmful or unsafe" in page
    assert "Vote:" in page
    assert page.count('<img class="thumbnail"') == 2


def test_somebody_who_wrote_audit_entries_cannot_be_deleted(office, everything):
    person = AuditEntry.objects.get().actor
    office.post(reverse("admin:auth_user_delete", args=[person.pk]), {"post": "yes"})
    assert User.objects.filter(pk=person.pk).exists()
    assert AuditEntry.objects.filter(actor=person).exists()


def test_a_worker_can_be_removed_but_not_invented(office, everything, administrator):
    worker = Worker.objects.get()
    assert office.post(address(Worker, "add"), {"address": "http://x"}).status_code == 403
    assert office.post(address(Worker, "change", worker.pk), {"address": "http://x"}).status_code == 403
    assert office.post(address(Worker, "delete", worker.pk), {"post": "yes"}).status_code == 302
    assert not Worker.objects.exists()
    entry = AuditEntry.objects.get(action="delete")
    assert (entry.actor, entry.target) == (administrator, f"worker {worker.pk}")


def test_the_texts_of_the_site_are_one_row_that_its_list_leads_to(office, everything):
    row = SiteText.objects.first() or SiteText.objects.create()
    response = office.get(address(SiteText, "changelist"))
    assert (response.status_code, response.url) == (302, address(SiteText, "change", row.pk))
    assert office.get(address(SiteText, "add")).status_code == 403
    assert office.post(address(SiteText, "delete", row.pk), {"post": "yes"}).status_code == 403
    office.post(
        address(SiteText, "change", row.pk), {"title": "Our models", "welcome": "Be kind.", **NO_TRANSLATIONS}
    )
    row.refresh_from_db()
    assert (row.title, row.welcome) == ("Our models", "Be kind.")
    assert Flag.objects.exists()


def test_terms_that_somebody_could_accept_stay_as_they_are(office, everything):
    terms = Terms.objects.get(version="1")
    changed = {"version": "1", "text": "Be kind.", "must_be_accepted": "on", **NO_TRANSLATIONS}
    assert office.post(address(Terms, "change", terms.pk), changed).status_code == 302
    again = {**changed, "text": "Be cruel."}
    assert office.post(address(Terms, "change", terms.pk), again).status_code == 403
    assert office.post(address(Terms, "delete", terms.pk), {"post": "yes"}).status_code == 403
    assert Terms.objects.get(version="1").text == "Be kind."
    empty = office.post(
        address(Terms, "add"), {"version": "9", "text": " ", "must_be_accepted": "on", **NO_TRANSLATIONS}
    )
    assert empty.status_code == 200
    assert not Terms.objects.filter(version="9").exists()


def test_a_reason_for_votes_keeps_its_key_and_is_switched_off_rather_than_deleted(office, everything):
    wrong = VoteReason.objects.get(key="wrong")
    form = {
        "key": "other",
        "label": "Not true",
        "applies_to": "down",
        "position": "3",
        "labels-TOTAL_FORMS": "1",
        "labels-INITIAL_FORMS": "0",
        "labels-0-language": "en",
        "labels-0-text": "Untrue",
    }
    assert office.post(address(VoteReason, "change", wrong.pk), form).status_code == 302
    wrong.refresh_from_db()
    assert (wrong.key, wrong.label, wrong.enabled, wrong.words()) == ("wrong", "Not true", False, "Untrue")
    assert office.post(address(VoteReason, "delete", wrong.pk), {"post": "yes"}).status_code == 403
