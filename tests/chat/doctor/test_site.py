"""The doctor on pictures, prompts, static files and settings that are broken for real."""

import json

import pytest

from chat.doctor.deployment import deployment
from chat.doctor.media import media
from chat.doctor.prompts import prompts
from chat.doctor.static import static
from chat.kept import Kept
from chat.models import Backend, ChatModel, Placement
from chat.registry import template_of
from tests.chat.doctor.findings import objections, states
from tests.feedback.stories import make_conversation, make_model

FILES = "django.core.files.storage.FileSystemStorage"


def store_in(settings, folder):
    settings.STORAGES = settings.STORAGES | {
        "default": {"BACKEND": FILES, "OPTIONS": {"location": str(folder)}}
    }


# Pictures


def test_pictures_can_be_stored_and_nothing_of_the_test_stays(settings, tmp_path):
    store_in(settings, tmp_path)
    assert objections(media()) == []
    assert list(tmp_path.iterdir()) == []


def test_a_folder_for_pictures_where_nobody_may_write(settings):
    store_in(settings, "/proc/media")
    [objection] = objections(media())
    assert objection.startswith("wrong: Pictures can't be stored in /proc/media: ")


# Prompts


@pytest.mark.django_db
def test_every_enabled_model_needs_a_protocol_and_a_template_that_exist():
    model = ChatModel.objects.create(name="llava-v1.5-7b")
    assert objections(prompts()) == []
    model.template = "of-yesterday"
    model.save()
    assert objections(prompts()) == ["wrong: llava-v1.5-7b: there is no prompt template 'of-yesterday'"]
    model.protocol = "carrier-pigeon"
    model.save()
    assert objections(prompts()) == ["wrong: llava-v1.5-7b: there is no protocol 'carrier-pigeon'"]
    model.enabled = False
    model.save()
    assert objections(prompts()) == []


@pytest.mark.django_db
def test_a_server_that_applies_the_template_itself_needs_none():
    model = ChatModel.objects.create(name="org/vision")
    backend = Backend.objects.create(name="b", kind=Backend.Kind.FASTCHAT, url="http://127.0.0.1:1")
    Placement.objects.create(model=model, backend=backend)
    Kept.forget_all()
    assert template_of(model) == ""
    assert objections(prompts()) == []
    # One that is set all the same goes before the worker's own.
    ChatModel.objects.update(template="of-yesterday")
    assert objections(prompts()) == ["wrong: org/vision: there is no prompt template 'of-yesterday'"]


@pytest.mark.django_db
def test_conversations_whose_template_is_gone():
    make_conversation(model=make_model("m"), template="of-yesterday")
    [objection] = objections(prompts())
    assert objection.endswith("can't go on: of-yesterday")
    assert objection.startswith("warning: ")


# Static files


@pytest.fixture
def collected(settings, tmp_path):
    """Give a function that says what the manifest of the collected files holds, of one file that there is."""
    source, root = tmp_path / "source", tmp_path / "root"
    source.mkdir()
    root.mkdir()
    (source / "a.css").write_text("a {}")
    settings.STATICFILES_DIRS, settings.STATIC_ROOT = [source], root
    settings.STORAGES = settings.STORAGES | {"staticfiles": {"BACKEND": "mmchat_site.storage.StaticStorage"}}

    def write(paths):
        (root / "staticfiles.json").write_text(json.dumps({"paths": paths, "version": "1.1", "hash": ""}))
        settings.STATIC_ROOT = str(root)  # who reads it anew
        return root

    return write


def test_static_files_that_were_never_collected(collected):
    assert objections(static())[0].startswith("wrong: None are collected in ")


def test_static_files_that_are_new_or_gone_since(collected):
    root = collected({"b.css": "b.1.css"})
    assert objections(static())[0].startswith("wrong: 1 are missing in ")
    collected({"a.css": "a.1.css"})
    assert objections(static())[0].endswith("a.css first")
    (root / "a.1.css").write_text("a {}")
    assert objections(static()) == []


# Settings


@pytest.fixture
def fit(settings, tmp_path):
    """Settings of a site that is on the internet as it should be."""
    settings.MMCHAT_DATA_DIR = tmp_path
    settings.SECRET_KEY = "".join(map(chr, range(48, 110)))
    settings.MMCHAT_ORIGIN, settings.MMCHAT_TRUSTED_PROXIES = "https://chat.example.org", ["127.0.0.0/8"]
    settings.ALLOWED_HOSTS = ["chat.example.org"]
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = settings.LANGUAGE_COOKIE_SECURE = True
    settings.SECURE_HSTS_SECONDS = 31_536_000
    return settings


def test_a_site_that_is_fit_for_the_internet(fit):
    assert objections(deployment()) == []


@pytest.mark.parametrize(
    ("name", "value", "objection"),
    [
        ("MMCHAT_ORIGIN", "", "warning: MMCHAT_URL is not set"),
        ("MMCHAT_ORIGIN", "http://chat.example.org", "warning: http://chat.example.org is not HTTPS"),
        ("MMCHAT_TRUSTED_PROXIES", [], "warning: MMCHAT_TRUSTED_PROXIES is not set"),
        ("SECRET_KEY", "short", "wrong: The secret key is short"),
        ("SECRET_KEY", "ab" * 40, "wrong: The secret key is short or too regular"),
        ("DEBUG", True, "warning: MMCHAT_DEBUG"),
        ("SESSION_COOKIE_SECURE", False, "warning: security.W012"),
    ],
)
def test_each_thing_that_is_not_fit_is_told(fit, name, value, objection):
    setattr(fit, name, value)
    [found] = objections(deployment())
    assert found.startswith(objection)


def test_a_secret_key_that_others_can_read(fit, tmp_path, monkeypatch):
    monkeypatch.delenv("MMCHAT_SECRET_KEY", raising=False)
    file = tmp_path / "secret_key"
    file.write_text(fit.SECRET_KEY)
    file.chmod(0o600)
    assert states(deployment()) == ["ok", "ok"]
    file.chmod(0o644)
    assert objections(deployment()) == [f"warning: Other users of this machine can read {file}"]


def test_a_site_for_this_machine_alone(fit):
    fit.MMCHAT_ORIGIN, fit.MMCHAT_HOST = "", "127.0.0.1"
    assert objections(deployment()) == []
