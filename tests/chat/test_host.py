"""The host's words, logo, colours, announcements and examples as pages and addresses give them."""

import datetime
import json
import re
from html import unescape

import pytest
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.db import OperationalError
from django.utils import timezone, translation

from chat import host
from chat.kept import Kept
from chat.models import Announcement, Example, ExamplePicture, SiteText, Terms
from chat.models.host import MOST_PICTURE_BYTES
from tests.chat.factories import make_model
from tests.chat.images.pictures import encoded, patterned

pytestmark = pytest.mark.django_db

FROM_CHINA = {"Accept-Language": "zh-CN"}
HOUR = datetime.timedelta(hours=1)


def bootstrap(client, **more):
    text = client.get("/", **more).content.decode()
    return json.loads(
        unescape(re.search(r'<script id="bootstrap" type="application/json">(.*?)</script>', text, re.S)[1])
    )


@pytest.fixture
def site_text():
    return SiteText.objects.get_or_create()[0]


def test_words_are_in_the_readers_language_where_there_are_some(client, site_text):
    SiteText.objects.update(title="Our models", welcome="Be kind.", acknowledgements="Paid by the *city*.")
    site_text.translations.create(language="zh-hans", title="我们的模型", welcome="请友善。")
    english, chinese = client.get("/").content.decode(), client.get("/", headers=FROM_CHINA).content.decode()
    assert "<title>Our models</title>" in english
    assert "<title>我们的模型</title>" in chinese
    assert ("Be kind." in english, "请友善。" in chinese) == (True, True)
    assert "Paid by the *city*." in chinese  # none of its own: shown as it is


def test_terms_are_accepted_in_the_language_in_which_they_are_read(client):
    terms = Terms.objects.create(version="2", text="Be kind.", must_be_accepted=True)
    terms.translations.create(language="zh-hans", text="请友善。")
    assert client.get("/consent/").json()["terms"] == {"version": "2", "text": "Be kind."}
    assert client.get("/consent/", headers=FROM_CHINA).json()["terms"] == {"version": "2", "text": "请友善。"}


def test_what_a_new_site_says_is_there_in_chinese(client):
    page = client.get("/", headers=FROM_CHINA).content.decode()
    assert "本站为研究预览版" in page
    questions = [example["question"] for example in bootstrap(client, headers=FROM_CHINA)["examples"]]
    assert len(questions) == 4
    assert not any(re.search("[a-z]", question) for question in questions)


def test_the_hosts_colours_come_as_a_stylesheet_that_browsers_keep(client, site_text):
    assert "/colours/" not in client.get("/").content.decode()
    SiteText.objects.update(accent="#0b6e4f")
    Kept.forget_all()
    page = client.get("/").content.decode()
    address = re.search(r'href="(/colours/0b6e4f-[0-9a-f]{6}\.css)"', page)[1]
    assert f'href="{address}"' in client.get("/receipt/").content.decode()
    assert f'href="{address}"' in client.get("/nothing/").content.decode()
    answer = client.get(address)
    assert answer["Content-Type"] == "text/css; charset=utf-8"
    assert "public" in answer["Cache-Control"]
    assert "--accent: light-dark(#0b6e4f, " in answer.content.decode()
    assert client.get(address, headers={"If-None-Match": answer["ETag"]}).status_code == 304


@pytest.mark.parametrize(
    "pair", ["ffffff-9db1ff", "3552cc-3552cc", "3552cc-%7D%20body", "3552cc-9DB1FF", "red-blue"]
)
def test_no_stylesheet_is_made_of_what_is_no_readable_colour(client, pair):
    assert client.get(f"/colours/{pair}.css").status_code == 404


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"accent": "#ffd43b"}, "accent"),
        ({"accent": "blue"}, "accent"),
        ({"accent": "#3552cc", "accent_dark": "#3552cc"}, "accent_dark"),
        ({"accent_dark": "#9db1ff"}, "accent"),
    ],
)
def test_colours_that_cannot_be_read_are_refused_by_field(fields, field):
    with pytest.raises(ValidationError) as refused:
        SiteText(**fields).full_clean()
    assert list(refused.value.message_dict) == [field]


def test_colours_may_be_written_in_capitals(client, site_text):
    site_text.accent, site_text.accent_dark = "#0B6E4F", "#8FD6B4"
    site_text.full_clean()
    site_text.save()
    assert 'href="/colours/0b6e4f-8fd6b4.css"' in client.get("/").content.decode()


def test_a_logo_takes_the_place_of_the_mark(client, site_text, settings, tmp_path):
    storage = {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": str(tmp_path)},
    }
    settings.STORAGES = {**settings.STORAGES, "default": storage}
    picture = tmp_path / "site" / "0123.png"
    picture.parent.mkdir(parents=True)
    picture.write_bytes(encoded(patterned()))
    SiteText.objects.update(logo="site/0123.png")
    page = client.get("/").content.decode()
    assert page.count("/logo/0123.png") >= 2  # beside the title, and in the browser's tab
    answer = client.get("/logo/0123.png")
    assert (answer.status_code, answer["Content-Type"]) == (200, "image/png")
    assert "immutable" in answer["Cache-Control"]
    assert client.get("/logo/other.png").status_code == 404


def test_announcements_show_between_their_times_and_in_their_language(client):
    now = timezone.now()
    for text, starts, ends, language in (
        ("over", now - 2 * HOUR, now - HOUR, ""),
        ("now", now - HOUR, now + HOUR, ""),
        ("soon", now + HOUR, None, ""),
        ("next week", now + 170 * HOUR, None, ""),
        ("english", now - HOUR, None, "en"),
        ("中文", now - HOUR, None, "zh-hans"),
    ):
        Announcement.objects.create(text=text, starts=starts, ends=ends, language=language)
    Announcement.objects.create(text="first", important=True)
    assert [row["text"] for row in bootstrap(client)["announcements"]] == ["first", "now", "english", "soon"]
    chinese = [row["text"] for row in bootstrap(client, headers=FROM_CHINA)["announcements"]]
    assert chinese == ["first", "now", "中文", "soon"]


def test_an_announcement_that_ends_before_it_begins_is_refused():
    now = timezone.now()
    with pytest.raises(ValidationError) as refused:
        Announcement(text="Never", starts=now, ends=now - HOUR).full_clean()
    assert list(refused.value.message_dict) == ["ends"]


def test_a_picture_that_every_visitor_would_wait_for_is_refused(site_text):
    large = ContentFile(b"x" * (MOST_PICTURE_BYTES + 1), name="photo.jpg")
    for row, field, limit in (
        (ExamplePicture(example=Example.objects.first(), file=large), "file", "1024"),
        (SiteText(title="x", logo=large), "logo", "512"),
    ):
        with pytest.raises(ValidationError) as refused:
            row.full_clean()
        assert limit in refused.value.message_dict[field][0]


def test_an_example_has_pictures_in_their_order_parameters_and_a_model(client):
    Example.objects.all().delete()
    example = Example.objects.create(
        question="Which is larger?", model=make_model("one"), temperature=0, image_mode="Pad"
    )
    example.pictures.create(shipped="examples/chart.png", description="A chart", position=1)
    example.pictures.create(shipped="examples/shapes.png", description="Shapes", position=0)
    [shown] = bootstrap(client)["examples"]
    assert [picture["description"] for picture in shown["pictures"]] == ["Shapes", "A chart"]
    assert (shown["model"], shown["parameters"]) == ("one", {"temperature": 0, "image_mode": "Pad"})


def test_an_error_page_asks_no_database(client, site_text, django_assert_num_queries):
    SiteText.objects.update(accent="#0b6e4f")
    with django_assert_num_queries(0):
        assert "/colours/" not in client.get("/nothing/").content.decode()
    client.get("/")
    with django_assert_num_queries(0):
        assert "/colours/0b6e4f-" in client.get("/nothing/").content.decode()


def test_pages_do_without_the_hosts_words_while_the_database_is_away(monkeypatch):
    def away():
        raise OperationalError("locked")

    monkeypatch.setattr(host, "_rows", away)
    assert host.host(host.stored()).title == "mmchat"
    with translation.override("zh-hans"):
        assert host.host(host.stored()).examples == []
