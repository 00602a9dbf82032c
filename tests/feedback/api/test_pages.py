"""The pages of the API: its schema, and the same for people."""

import pytest
from django.test import Client

from feedback.api.urls import api
from tests.chat.admin.pages import Elements

pytestmark = pytest.mark.django_db


@pytest.fixture
def shown():
    return Client().get("/api/v1/docs").content.decode()


def test_every_call_and_every_shape_is_on_the_page(shown):
    schema = api.get_openapi_schema()
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            assert f"{method.upper()} {path}" in shown
            assert operation["summary"] in shown
    anchors = {attributes.get("id") for _, attributes in Elements(shown).tags}
    links = {attributes["href"] for tag, attributes in Elements(shown).tags if tag == "a"}
    assert {f"shape-{name}" for name in schema["components"]["schemas"]} <= anchors
    assert {link[1:] for link in links if link.startswith("#")} <= anchors
    assert '[<a href="#shape-Vote">Vote</a>' in shown


def test_the_page_obeys_the_policy(shown):
    assert Elements(shown).breaches() == []


def test_the_schema_says_that_each_call_needs_a_token():
    schema = Client().get("/api/v1/openapi.json").json()
    assert schema["components"]["securitySchemes"]["Bearer"]["scheme"] == "bearer"
    assert all(
        operation["security"] == [{"Bearer": []}]
        for methods in schema["paths"].values()
        for operation in methods.values()
    )
