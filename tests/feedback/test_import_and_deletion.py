"""What is hidden or deleted of an imported log is not given back, and nothing of it stays."""

import json

import pytest
from django.utils import timezone

from chat.models import Conversation, HiddenReply, Message
from chat.purge import purge
from feedback.models import LogLine
from tests.feedback.test_import_and_export import bring_in, exported
from tests.feedback.test_import_places import BEGINNING, fastchat, llava
from tests.feedback.test_purge import everything_stored

pytestmark = pytest.mark.django_db


@pytest.fixture
def battle(tmp_path):
    """Import two conversations and the battle between them."""
    left, right = fastchat(0, "left", "One?", "1"), fastchat(0, "right", "One?", "I")
    vote = {
        "tstamp": BEGINNING + 9, "type": "leftvote", "models": ["", ""],
        "states": [left["state"], right["state"]], "ip": "203.0.113.4",
    }  # fmt: skip
    path = tmp_path / "2026-11-22-conv.json"
    path.write_text("\n".join(map(json.dumps, (left, right, vote))))
    bring_in(path)
    assert {line["type"] for line in exported()} == {"chat", "leftvote"}


@pytest.mark.parametrize("side", ["1", "I"])
def test_a_hidden_reply_takes_its_lines_and_battles_with_it(battle, side):
    HiddenReply.objects.create(message=Message.objects.get(text=side), reason="Private")
    assert [line["type"] for line in exported()] == ["chat"]


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_deleted_conversation_takes_its_lines_and_battles_with_it(battle, side):
    Conversation.objects.filter(source_id=side).update(deleted=timezone.now())
    assert [line["type"] for line in exported()] == ["chat"]


def test_nothing_that_a_visitor_wrote_stays_after_a_purge(
    tmp_path, settings, django_capture_on_commit_callbacks
):
    settings.MMCHAT_KEEP_DELETED_DAYS = 0
    path = tmp_path / "2026-11-22-conv.json"
    lines = [
        llava(0, "secret \0", "secret", images=["a" * 32], note="secret"),
        llava(9, "secret \0", "secret", kind="flag", user={"name": "secret"}),
        fastchat(0, "secret", "secret", "secret"),
    ]
    path.write_text("\n".join(map(json.dumps, lines)))
    bring_in(path)
    assert everything_stored().count("secret") > 6
    Conversation.objects.update(deleted=timezone.now())
    with django_capture_on_commit_callbacks(execute=True):
        purge()
    assert "secret" not in everything_stored()
    assert not LogLine.objects.exists()
