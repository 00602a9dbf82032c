"""The doctor asks each content check for an answer."""

import pytest

from chat.doctor.examination import CHECKS
from chat.doctor.moderation import moderation
from chat.models import ModerationEvent
from tests.chat.moderation.conftest import Service, make_check, running, send

pytestmark = pytest.mark.django_db


@pytest.fixture
def service():
    with running(Service()) as service:
        yield service


def told():
    return [f"{finding.state}: {finding.text}" for finding in moderation()]


def test_without_a_check_all_is_well():
    assert told() == ["ok: There is no content check"]
    assert CHECKS["content checks"] is moderation


def test_each_enabled_check_is_asked_and_nothing_is_stored(service, settings):
    settings.MMCHAT_MODERATE, settings.MMCHAT_MODERATION_URL = True, service.url
    make_check("words", words="hello")
    make_check("seeing", kind="openai", url=service.url, on_images=True)
    make_check("off", kind="openai", enabled=False)
    assert told() == ["ok: moderations answers", "ok: words answers", "ok: seeing answers"]
    assert len(service.requests) == 3
    assert not ModerationEvent.objects.exists()


def test_one_that_gives_no_answer_is_told_with_what_follows(service):
    service.answer = lambda handler, body: send(handler, 401, b"{}")
    make_check("closed", kind="openai", url=service.url)
    make_check("open", kind="openai", url=service.url, when_down="open", position=1)
    make_check("guard", kind="guard", dry_run=True, position=2)
    assert told() == [
        "wrong: closed gives no answer: HTTP 401. All that it is to check is refused",
        "warning: open gives no answer: HTTP 401. What it is to check passes",
        "warning: guard gives no answer: no backend serves the guard now. What it is to check passes",
    ]
