"""What each role may open in the administration: every address there is, for every role."""

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Group, Permission, User
from django.urls import URLResolver, reverse
from django.urls.exceptions import NoReverseMatch

from chat.models import AuditEntry, Backend, Conversation, HiddenReply, Message, SiteText, Visitor
from feedback.models import ApiToken, Export
from feedback.roles import APPS
from tests.chat.admin.conftest import browser_of
from tests.chat.admin.rows import make_everything
from tests.feedback.stories import exchange

pytestmark = pytest.mark.django_db
ADDRESS, HASH = "203.0.113.77", "f00d" * 16

# What may be opened, by role: the list, a row and its history of "view"; the form of "add"; what is posted.
# Whoever adds a page to the administration adds it here, and lets a migration grant it (`feedback.roles.grant`).
READ = [
    "chat.chatmodel", "chat.conversation", "chat.message", "chat.image", "chat.upload", "chat.visitor",
    "chat.moderationevent", "chat.hiddenreply", "chat.blockedimage", "chat.blockedvisitor", "chat.terms",
    "chat.sharedlink", "feedback.vote", "feedback.votechange", "feedback.votereason", "feedback.preference",
    "feedback.flag", "feedback.review",
]  # fmt: skip
ALLOWED = {
    "moderator": {
        "view": {*READ, "chat.auditentry", "chat.moderationcheck", "feedback.reviewitem"},
        "add": {"chat.hiddenreply", "chat.blockedimage", "chat.blockedvisitor"},
        "delete": set(),
        "post": {f"feedback_reviewitem_{name}" for name in ("decide", "undo", "release", "return")},
    },
    "analyst": {
        "view": {*READ, "feedback.export", "feedback.apitoken"},
        "add": {"feedback.export", "feedback.apitoken"},
        "delete": set(),
        "post": {"feedback_export_cancel", "feedback_export_download", "feedback_apitoken_revoke"},
    },
    "nobody": {"view": set(), "add": set(), "delete": set(), "post": set()},
}
EVERY_MODEL = {model._meta.label_lower for model in admin.site._registry}
# Nobody adds or deletes these by hand: the site writes them, or they are one row.
NEVER_ADDED = EVERY_MODEL - {
    "auth.group", "auth.user", "chat.backend", "chat.blockedimage", "chat.blockedvisitor", "chat.chatmodel",
    "chat.announcement", "chat.embeddingsite", "chat.example", "chat.hiddenreply", "chat.limitrule",
    "chat.moderationcheck", "chat.terms",
    "feedback.apitoken", "feedback.export", "feedback.votereason",
}  # fmt: skip
# Terms that visitors must accept stay.
DELETED = {
    "auth.group", "auth.user", "chat.announcement", "chat.backend", "chat.chatmodel", "chat.embeddingsite",
    "chat.example", "chat.limitrule", "chat.moderationcheck", "chat.worker",
}  # fmt: skip
PREVIEWED = {f"chat_{model}_preview" for model in ("announcement", "example", "sitetext", "terms")}
POSTED = {
    *PREVIEWED,
    "chat_backend_check", "chat_backend_try",
    "chat_runningreply_stop", "feedback_export_cancel", "feedback_export_download", "feedback_apitoken_revoke",
    *ALLOWED["moderator"]["post"],
}  # fmt: skip
ALLOWED["administrator"] = {
    "view": EVERY_MODEL,
    "add": EVERY_MODEL - NEVER_ADDED,
    "delete": DELETED,
    "post": POSTED,
}
# Pages that are the same for all staff.
COMMON = {
    "index",
    "login",
    "codes",
    "logout",
    "password_change",
    "password_change_done",
    "jsi18n",
    "app_list",
}
# Of Django's own: they look at permissions themselves, and nothing here uses them.
UNUSED = {"autocomplete", "view_on_site"}
KINDS = {
    "changelist": "view", "change": "view", "history": "view", "inspect": "view", "test": "view",
    "add": "add", "delete": "delete"
}  # fmt: skip


def names(patterns=None):
    """Give the name of every address of the administration that has one."""
    for pattern in admin.site.get_urls() if patterns is None else patterns:
        if isinstance(pattern, URLResolver):
            yield from names(pattern.url_patterns)
        elif pattern.name:
            yield pattern.name


def pages():
    """Give kind, model and name of every page that belongs to a model or is posted to."""
    for name in names():
        if name in POSTED:
            yield "post", None, name
        elif name not in COMMON | UNUSED | {"auth_user_password_change"}:
            app, model, page = name.split("_", 2)
            yield KINDS[page], f"{app}.{model}", name


@pytest.fixture
def everything():
    reply = make_everything()
    exchange(reply.conversation, parent=reply, state="streaming", finished=None)
    Visitor.objects.update(address=ADDRESS, address_hash=HASH)
    return reply


def browser_in(role):
    user = User.objects.create_user(role, is_staff=True)
    if role != "nobody":
        user.groups.add(Group.objects.get(name=role))
    return browser_of(user)


def address_of(kind, model, name, reply):
    try:
        return reverse(f"admin:{name}")
    except NoReverseMatch:
        if kind == "post":
            rows = {
                "chat_backend": Backend.objects,
                "chat_runningreply": Message.objects.live(),
                "feedback_export": Export.objects,
            }
            pk = rows.get(name.rsplit("_", 1)[0], ApiToken.objects).first().pk
            return reverse(f"admin:{name}", args=[pk])
        rows = apps.get_model(model)._default_manager.order_by("-pk")
        if model == "chat.runningreply":
            rows = rows.live()
        pk = reply.pk if model == "feedback.reviewitem" else rows.first().pk
        return reverse(f"admin:{name}", args=[pk])


@pytest.mark.parametrize("role", sorted(ALLOWED))
def test_each_role_opens_what_is_its_own_and_nothing_else(role, everything):
    browser = browser_in(role)
    wrong = []
    for kind, model, name in pages():
        url = address_of(kind, model, name, everything)
        answer = browser.post(url) if kind == "post" else browser.get(url)
        refused = answer.status_code == 403
        allowed = (name if kind == "post" else model) in ALLOWED[role][kind]
        if refused == allowed:
            wrong.append((name, answer.status_code))
    assert wrong == []


def test_every_address_of_the_administration_is_in_the_table():
    known = {name for _, _, name in pages()} | COMMON | UNUSED | {"auth_user_password_change"}
    assert set(names()) == known
    assert len(list(pages())) > 150
    assert set().union(*(rights["view"] for rights in ALLOWED.values())) == EVERY_MODEL


@pytest.mark.parametrize("role", ["moderator", "analyst"])
def test_addresses_are_on_no_page_of_those_who_may_not_see_them(role, everything):
    browser = browser_in(role)
    found = []
    for kind, model, name in pages():
        if kind != "view":
            continue
        answer = browser.get(address_of(kind, model, name, everything), follow=True)
        page = answer.content.decode()
        if ADDRESS in page or HASH[:12] in page:
            found.append(name)
    assert found == []
    visitors = reverse("admin:chat_visitor_changelist")
    for words in (ADDRESS, HASH):
        assert list(browser.get(visitors, {"q": words}).context["cl"].result_list) == []
    # The list has one visitor more than each of these would leave, if they were listened to.
    for query in ({"address": ADDRESS}, {"address__startswith": "203"}, {"address_hash__gte": "e"}):
        assert browser.get(visitors, query).status_code == 400
    conversations = reverse("admin:chat_conversation_changelist")
    assert browser.get(conversations, {"visitor__address": ADDRESS}).status_code == 400


def test_an_administrator_sees_addresses(everything):
    browser = browser_in("administrator")
    visitors = reverse("admin:chat_visitor_changelist")
    assert ADDRESS in browser.get(visitors, {"q": ADDRESS}).content.decode()
    row = Visitor.objects.first()
    assert HASH in browser.get(reverse("admin:chat_visitor_change", args=[row.pk])).content.decode()


def test_administrators_may_do_all_that_there_is_a_permission_for():
    """A model that came later needs a migration that grants its permissions."""
    group = Group.objects.get(name="administrator")
    missing = Permission.objects.filter(content_type__app_label__in=APPS).exclude(group=group)
    assert list(missing.values_list("content_type__app_label", "codename")) == []


def test_moderators_cannot_export_and_analysts_cannot_decide(everything):
    moderator, analyst = browser_in("moderator"), browser_in("analyst")
    assert moderator.post(reverse("admin:feedback_export_add"), {"format": "jsonl"}).status_code == 403
    assert Export.objects.count() == 1
    before = HiddenReply.objects.count()
    form = {"message": everything.pk, "reason": "x"}
    assert analyst.post(reverse("admin:chat_hiddenreply_add"), form).status_code == 403
    assert analyst.post(reverse("admin:feedback_reviewitem_decide"), form).status_code == 403
    uphold = {"action": "uphold", "_selected_action": [everything.flags.get().pk]}
    analyst.post(reverse("admin:feedback_flag_changelist"), uphold)
    lift = {"action": "lift", "_selected_action": [HiddenReply.objects.get().pk]}
    analyst.post(reverse("admin:chat_hiddenreply_changelist"), lift)
    assert everything.flags.get().state == "open"
    assert HiddenReply.objects.get().lifted is None
    assert HiddenReply.objects.count() == before


@pytest.mark.parametrize("model", [AuditEntry, Conversation])
def test_a_superuser_too_changes_no_history(model, everything):
    browser = browser_of(User.objects.create_superuser("root"))
    row = model.objects.first()
    for page in ("change", "delete"):
        url = reverse(f"admin:chat_{model._meta.model_name}_{page}", args=[row.pk])
        assert browser.post(url, {"action": "forged", "title": "forged", "post": "yes"}).status_code == 403
    assert SiteText.objects.count() <= 1
