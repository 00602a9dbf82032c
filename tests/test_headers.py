"""The whole set of headers of each page: none is missing, none says more than it should."""

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from chat.images.store import store_upload
from chat.models import SharedLink
from chat.visitors import COOKIE, cookie_for
from mmchat_site.headers import POLICY
from tests.chat.factories import make_conversation, make_turn, make_visitor
from tests.chat.images.pictures import encoded, patterned

pytestmark = pytest.mark.django_db


def in_order(policy):
    return "; ".join(sorted(policy.split("; ")))


DIRECTIVES = (
    "default-src 'self'; img-src 'self' data: blob:; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "font-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
SELF = in_order(DIRECTIVES)
SCRIPTS = in_order(f"{DIRECTIVES}; require-trusted-types-for 'script'; trusted-types dompurify")
NEVER = "max-age=0, no-cache, no-store, must-revalidate, private"

EVERY = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}
PAGE = {
    **EVERY,
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": SELF,
    "Permissions-Policy": POLICY,
}
SCRIPTED = {**PAGE, "Content-Security-Policy": SCRIPTS}
JSON = {**EVERY, "Content-Type": "application/json"}
# What differs by the moment or by the length, and protects nothing.
WHATEVER = {"Content-Length", "Content-Language", "Vary", "Expires", "ETag", "Content-Disposition", "Allow"}

PAGES = {
    "/": {**SCRIPTED, "Cache-Control": NEVER},
    "conversation": {**SCRIPTED, "Cache-Control": NEVER},
    "/receipt/": {**PAGE, "Cache-Control": NEVER},
    "shared": {**SCRIPTED, "Cache-Control": NEVER, "X-Robots-Tag": "noindex, nofollow"},
    "/api/v1/docs": PAGE,
    "/admin/login/": {**PAGE, "Cache-Control": NEVER},
    "/admin/": {**PAGE, "Cache-Control": NEVER},
    "/nothing/here/": PAGE,
    "/models/": {**JSON, "Cache-Control": NEVER},
    "/history/": {**JSON, "Cache-Control": NEVER},
    "/consent/": {**JSON, "Cache-Control": NEVER},
    "/announcements/": {**JSON, "Cache-Control": NEVER},
    "/healthz": {**JSON, "Cache-Control": NEVER},
    "/readyz": {**JSON, "Cache-Control": NEVER},
    "/api/v1/openapi.json": JSON,
    "/api/v1/votes": {
        **JSON,
        "Content-Type": "application/json; charset=utf-8",
        "WWW-Authenticate": "Bearer",
    },
    "/feedback/reasons/": JSON,
    "picture": {
        **EVERY,
        "Content-Type": "image/png",
        "Content-Security-Policy": SELF,
        "Permissions-Policy": POLICY,
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cache-Control": "private, max-age=31536000, immutable",
    },
}


@pytest.fixture
def browser(settings, tmp_path):
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(tmp_path)},
        },
    }
    visitor = make_visitor()
    conversation = make_conversation(visitor)
    _, reply = make_turn(conversation)
    link = SharedLink.objects.create(conversation=conversation, last=reply)
    upload = store_upload(visitor, "cat.png", encoded(patterned(60, 40)))
    browser = Client()
    browser.cookies[COOKIE] = cookie_for(visitor.key)
    browser.addresses = {
        "conversation": reverse("chat:conversation", args=[conversation.pk]),
        "shared": reverse("chat:shared", args=[link.key]),
        "picture": reverse("chat:image", args=[upload.pk]),
    }
    return browser


def headers_of(response):
    """Give the headers that matter, with the parts of a policy in one order: django-csp has none."""
    found = {name: value for name, value in response.items() if name not in WHATEVER}
    if policy := found.get("Content-Security-Policy"):
        found["Content-Security-Policy"] = in_order(policy)
    return found


@pytest.mark.parametrize("name", PAGES)
def test_a_page_has_exactly_these_headers(browser, name):
    if name == "/admin/":
        browser.force_login(User.objects.create_superuser("root"))
    assert headers_of(browser.get(browser.addresses.get(name, name))) == PAGES[name]


def test_the_page_in_a_frame_is_open_to_the_allowed_sites_and_closed_to_others(browser, settings):
    settings.MMCHAT_EMBED_ORIGINS = ["https://www.example.org"]
    expected = {**SCRIPTED, "Cache-Control": NEVER}
    del expected["X-Frame-Options"]
    policy = in_order(SCRIPTS.replace("frame-ancestors 'none'", "frame-ancestors https://www.example.org"))
    assert headers_of(browser.get("/embed/")) == {**expected, "Content-Security-Policy": policy}


def test_over_tls_browsers_are_told_to_come_back_so(browser, settings):
    settings.SECURE_HSTS_SECONDS = 31_536_000
    told = {"Strict-Transport-Security": "max-age=31536000"}
    assert headers_of(browser.get("/", secure=True)) == {**PAGES["/"], **told}
    assert headers_of(browser.get("/nothing/here/", secure=True)) == {**PAGE, **told}


def test_a_foreign_host_gets_the_headers_of_a_page(browser):
    foreign = browser.get("/", HTTP_HOST="foreign.example", headers={"Accept": "text/html"})
    assert (foreign.status_code, headers_of(foreign)) == (400, PAGE)


def test_no_answer_names_the_server_or_the_framework(browser):
    for name in PAGES:
        assert not {"Server", "X-Powered-By"} & set(browser.get(browser.addresses.get(name, name)).headers)
