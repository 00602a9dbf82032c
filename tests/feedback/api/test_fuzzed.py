"""Whatever is sent to the API, it answers as its OpenAPI schema says, and never with 500."""

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from feedback.api.urls import api
from feedback.flags import flag
from feedback.models import Scope
from feedback.votes import set_vote
from tests.feedback.api.conftest import make_token
from tests.feedback.stories import exchange, make_conversation, make_upload, make_visitor

pytestmark = pytest.mark.django_db
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
EXAMPLES = 50  # for each of nine calls: some 20 s in all

schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", get_wsgi_application())


@pytest.fixture
def text(root, settings):
    settings.MMCHAT_LIMITS = False
    visitor = make_visitor()
    for number in range(3):
        reply = exchange(make_conversation(visitor), uploads=[make_upload(visitor)] * (number % 2))
        set_vote(visitor.key, reply.pk, "up")
        flag(visitor.key, reply.pk, "other")
    return make_token(root, *Scope.values)[1]


@pytest.fixture
def _connection_stays():
    """Leave the test's connection open after a request, as Django's own test client does."""
    ends = (request_started, request_finished)
    for signal in ends:
        signal.disconnect(close_old_connections)
    yield
    for signal in ends:
        signal.connect(close_old_connections)


@pytest.mark.usefixtures("_connection_stays")
@schema.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
def test_every_call_keeps_to_the_schema(case, text):
    case.call_and_validate(headers={"Authorization": f"Bearer {text}"}, checks=CHECKS)


def test_all_calls_are_fuzzed():
    assert len([method for path in api.get_openapi_schema()["paths"].values() for method in path]) == 9
