import pytest
from django.contrib.auth.models import User
from django.test import Client

from feedback import tokens
from feedback.models import ApiToken, Scope


def make_token(user, *scopes, **fields):
    """Make a token with these scopes; give it and its text."""
    token = ApiToken(name="A program", creator=user, scopes=list(scopes), **fields)
    return token, tokens.make(token)


@pytest.fixture(autouse=True)
def own_place(settings, tmp_path):
    settings.MMCHAT_DATA_DIR = tmp_path / "data"


@pytest.fixture
def root(db):
    return User.objects.create_superuser("root")


class Program(Client):
    """Call the API with a token."""

    def __init__(self, text):
        super().__init__(headers={"Authorization": f"Bearer {text}"})

    def read(self, path, **query):
        response = self.get(f"/api/v1/{path}", query)
        assert response.status_code == 200, response.content
        return response.json()

    def error(self, path, **query):
        response = self.get(f"/api/v1/{path}", query)
        return response.status_code, response.json()["error"]["code"], response.json()["error"]["field"]


@pytest.fixture
def program(root):
    """A program that may do everything."""
    return Program(make_token(root, *Scope.values)[1])
