"""What the preview of a form shows, and that it stores nothing."""

import json
import re
from html import unescape

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from chat.kept import Kept
from chat.models import Announcement, Example, SiteText, Terms
from tests.chat.images.pictures import encoded, patterned

pytestmark = pytest.mark.django_db


def rows(prefix, *forms, initial=0):
    data = {f"{prefix}-TOTAL_FORMS": len(forms), f"{prefix}-INITIAL_FORMS": initial}
    return data | {
        f"{prefix}-{place}-{name}": value for place, form in enumerate(forms) for name, value in form.items()
    }


def preview(office, model, data, row=None):
    address = reverse(f"admin:chat_{model._meta.model_name}_preview")
    return office.post(f"{address}?row={row.pk}" if row else address, data)


def bootstrap(text):
    return json.loads(
        unescape(re.search(r'<script id="bootstrap" type="application/json">(.*?)</script>', text, re.S)[1])
    )


def picture(name="logo.png"):
    return SimpleUploadedFile(name, encoded(patterned()), "image/png")


def test_texts_logo_and_colours_are_seen_before_they_are_stored(office):
    row = SiteText.objects.get_or_create()[0]
    data = {
        "title": "Our models",
        "welcome": "Be kind.",
        "acknowledgements": "Thanks to all.",
        "accent": "#0b6e4f",
        "logo": picture(),
    }
    answer = preview(
        office, SiteText, data | rows("translations", {"language": "en", "welcome": "Be very kind."}), row
    )
    page = answer.content.decode()
    for words in (
        "<title>Our models</title>",
        "Be very kind.",
        "Thanks to all.",
        "/colours/0b6e4f-",
        "A preview:",
    ):
        assert words in page
    assert 'src="data:image/png;base64,' in page
    assert "require-trusted-types-for" in answer["Content-Security-Policy"]
    row.refresh_from_db()
    assert (row.title, row.accent, bool(row.logo), row.translations.count()) == ("mmchat", "", False, 0)


def test_a_form_with_an_error_comes_back_and_can_then_be_saved(office):
    row = SiteText.objects.get_or_create()[0]
    page = preview(
        office, SiteText, {"title": "Mine", "accent": "#ffff00"} | rows("translations"), row
    ).content.decode()
    assert "Take a darker one." in page
    assert f'action="{reverse("admin:chat_sitetext_change", args=[row.pk])}"' in page
    assert SiteText.objects.get().title == "mmchat"


def test_terms_announcements_and_examples_are_seen_among_the_others(office):
    page = preview(
        office, Terms, {"version": "9", "text": "Rules to see"} | rows("translations")
    ).content.decode()
    assert "Rules to see" in page
    Announcement.objects.create(text="An older one")
    Kept.forget_all()
    said = {"text": "To see", "starts_0": "2040-01-01", "starts_1": "10:00", "language": "zh-hans"}
    shown = bootstrap(preview(office, Announcement, said).content.decode())["announcements"]
    assert [row["text"] for row in shown] == ["To see", "An older one"]
    old = Example.objects.filter(language="en").first()
    data = {"question": "Changed?", "position": -1, "enabled": "on", "temperature": "0.5"}
    pictures = rows(
        "pictures",
        {"id": old.pictures.get().pk, "example": old.pk, "position": 1},
        {"file": picture(), "position": 0},
        initial=1,
    )
    shown = bootstrap(preview(office, Example, data | pictures, old).content.decode())["examples"]
    assert [row["question"] for row in shown].count("Changed?") == 1
    assert shown[0]["parameters"] == {"temperature": 0.5}
    assert [each["url"][:10] for each in shown[0]["pictures"]] == ["/static/ex", "data:image"]
    assert not Terms.objects.filter(version="9").exists()
    assert Announcement.objects.count() == 1
    assert not Example.objects.filter(question="Changed?").exists()
    assert old.pictures.count() == 1


def test_an_example_is_asked_with_what_visitors_may_choose(office):
    data = {"question": "Hot?", "position": 0, "temperature": "7"} | rows("pictures")
    page = office.post(reverse("admin:chat_example_add"), data).content.decode()
    assert "Temperature must be between 0.0 and 1.0." in page
    assert not Example.objects.filter(question="Hot?").exists()


def test_a_row_of_pictures_needs_a_picture(office):
    data = {"question": "Blank?", "position": 0} | rows("pictures", {"description": "Nothing", "position": 0})
    assert (
        "Choose a picture, or remove this row."
        in office.post(reverse("admin:chat_example_add"), data).content.decode()
    )


def test_the_texts_of_accepted_terms_stay_in_every_language(office):
    terms = Terms.objects.create(version="5", text="Rules", must_be_accepted=True)
    own = terms.translations.create(language="zh-hans", text="规则")
    data = {"version": "5", "text": "Rules"} | rows(
        "translations", {"id": own.pk, "terms": terms.pk, "language": "zh-hans", "text": "别的"}, initial=1
    )
    office.post(reverse("admin:chat_terms_change", args=[terms.pk]), data)
    own.refresh_from_db()
    assert own.text == "规则"


def test_whoever_changes_terms_is_reminded_of_the_other_languages(office):
    terms = Terms.objects.get(version="1")
    own = terms.translations.get()
    address = reverse("admin:chat_terms_change", args=[terms.pk])
    kept = {"id": own.pk, "terms": terms.pk, "language": own.language, "text": own.text}
    reminder = "see whether they still say the same"
    data = {"version": "1", "text": "New rules"}
    assert (
        reminder
        in office.post(address, data | rows("translations", kept, initial=1), follow=True).content.decode()
    )
    both = {"version": "1", "text": "Newer rules"} | rows(
        "translations", kept | {"text": "新规则"}, initial=1
    )
    assert reminder not in office.post(address, both, follow=True).content.decode()


def test_a_preview_is_for_those_who_may_change_it(client, office):
    address = reverse("admin:chat_sitetext_preview")
    assert office.get(address).status_code == 405
    assert client.post(address, {"title": "x"}).status_code == 302
