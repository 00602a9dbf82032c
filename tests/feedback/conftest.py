import pytest
from django.test import Client

from chat.visitors import COOKIE, cookie_for
from tests.feedback.stories import exchange, make_conversation, make_visitor


@pytest.fixture(autouse=True)
def media_in_a_temporary_folder(settings, tmp_path):
    settings.STORAGES = {
        "default": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(tmp_path / "media")},
        },
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }


@pytest.fixture
def visitor(db):
    return make_visitor()


@pytest.fixture
def reply(visitor):
    return exchange(make_conversation(visitor))


@pytest.fixture
def tab(visitor):
    return tab_of(visitor.key)


def tab_of(key):
    client = Client()
    client.cookies[COOKIE] = cookie_for(key)
    return client
