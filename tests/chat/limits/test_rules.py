"""Rules that can't be counted are refused where they are typed; those that ship are the ones in the documentation."""

import re

import pytest
from django.urls import reverse

from chat.limits.rules import rules
from chat.models import LimitRule
from chat.models.limits import Counted
from tests.documentation import page, rows

pytestmark = pytest.mark.django_db
ADD = "admin:chat_limitrule_add"


def rule(**fields):
    return {
        "name": "x",
        "counted": "frames",
        "by": "visitor",
        "amount": 3,
        "seconds": 60,
        "enabled": "on",
        **fields,
    }


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        ({"seconds": ""}, "seconds", "Say in how many seconds."),
        ({"counted": "sockets"}, "seconds", "What is counted at once has no seconds; leave this empty."),
        ({"counted": "replies", "seconds": "5"}, "seconds", "What is counted at once has no seconds"),
        ({"seconds": "0"}, "seconds", "greater than or equal to 1"),
        ({"seconds": "99999999"}, "seconds", "less than or equal to 2678400"),
        ({"amount": "0"}, "amount", "greater than or equal to 1"),
        ({"amount": "-3"}, "amount", "greater than or equal to 1"),
        ({"amount": "1000000001"}, "amount", "less than or equal to 1000000000"),
        ({"amount": "many"}, "amount", "Enter a whole number."),
        ({"by": "token"}, "by", "can&#x27;t be counted so"),
        ({"counted": "receipts", "by": "visitor"}, "by", "can&#x27;t be counted so"),
        ({"counted": "api", "by": "address"}, "by", "can&#x27;t be counted so"),
        ({"name": "Frames of a visitor"}, "name", "already exists"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused_beside_the_field(admin_client, fields, field, words):
    answer = admin_client.post(reverse(ADD), rule(**fields))
    assert answer.status_code == 200
    assert list(answer.context["adminform"].form.errors) == [field]
    assert words in answer.content.decode()


@pytest.mark.parametrize(
    "fields",
    [{}, {"by": "address"}, {"counted": "sockets", "seconds": ""}, {"counted": "receipts", "by": "address"},
     {"counted": "api", "by": "token"}],
)  # fmt: skip
def test_a_rule_that_makes_sense_is_taken_and_in_force_at_once(admin_client, fields):
    before = len(rules().get(fields.get("counted", "frames"), ()))
    assert admin_client.post(reverse(ADD), rule(**fields)).status_code == 302
    assert len(rules()[fields.get("counted", "frames")]) == before + 1


def test_the_list_changes_amounts_and_a_deleted_rule_is_no_longer_in_force(admin_client):
    LimitRule.objects.exclude(counted="frames").delete()
    [row] = LimitRule.objects.all()
    listed = reverse("admin:chat_limitrule_changelist")
    form = {
        "form-TOTAL_FORMS": 1,
        "form-INITIAL_FORMS": 1,
        "form-0-id": row.pk,
        "form-0-enabled": "on",
        "_save": "Save",
    }
    admin_client.post(listed, {**form, "form-0-amount": 7, "form-0-seconds": 30})
    assert [(each.amount, each.seconds) for each in rules()["frames"]] == [(7, 30)]
    answer = admin_client.post(listed, {**form, "form-0-amount": 7, "form-0-seconds": ""})
    assert "Say in how many seconds." in answer.content.decode()
    admin_client.post(listed, {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"})
    assert rules() == {}


def test_the_list_says_when_no_limit_is_in_force(admin_client, settings):
    listed = reverse("admin:chat_limitrule_changelist")
    assert "MMCHAT_LIMITS is off" not in admin_client.get(listed).content.decode()
    settings.MMCHAT_LIMITS = False
    assert "MMCHAT_LIMITS is off" in admin_client.get(listed).content.decode()


def test_every_kind_and_every_rule_that_ships_is_described():
    described = rows(page("limits.md"))
    assert set(described) == set(Counted)
    shipped = {(each.counted, each.by, each.amount, each.seconds) for each in LimitRule.objects.all()}
    told = set()
    for kind, (_, visitor, address) in described.items():
        for by, cell in (("visitor", visitor), ("address", address)):
            if found := re.fullmatch(r"(\d+)(?: in (\d+) s)?", cell):
                told.add((kind, by, int(found[1]), int(found[2]) if found[2] else None))
    told.add(("api", "token", 120, 60))
    assert shipped == told
