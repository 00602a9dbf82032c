"""The page of what runs now: who sees what, and Stop."""

import datetime
import re
import uuid

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from chat.generation import overview
from chat.models import (
    AuditEntry,
    CircuitBreaker,
    Conversation,
    Message,
    ReplyState,
    RunningReply,
    ServerProcess,
)
from tests.chat.admin.conftest import browser_of
from tests.chat.admin.pages import Elements, address
from tests.feedback.stories import exchange, make_conversation, make_model

pytestmark = pytest.mark.django_db
PAGE = address(RunningReply, "changelist")
PAYLOAD = "<script>alert(1)</script>"


@pytest.fixture
def process():
    return ServerProcess.objects.create(host="machine-7", pid=4711, heartbeat=99)


def live(process, state=ReplyState.STREAMING, **fields):
    given = {
        "owner": process.pk if process else None,
        "sent": timezone.now() if state == ReplyState.STREAMING else None,
        "finished": None,
        **fields,
    }
    return exchange(make_conversation(title=PAYLOAD), PAYLOAD, "x" * 17, state=state, **given)


def stop_address(reply):
    return reverse("admin:chat_runningreply_stop", args=[reply.pk])


def shown(client):
    response = client.get(PAGE)
    assert response.status_code == 200
    page = response.content.decode()
    assert Elements(page).breaches() == []
    return page


def rows(page):
    """Give the text of each row's cells in the first table."""
    table = page.split("<tbody>")[1].split("</tbody>")[0]
    return [
        [re.sub(r"<[^>]+>|\s+", " ", cell).strip() for cell in re.findall(r"<t[hd].*?</t[hd]>", row, re.S)]
        for row in table.split("<tr>")[1:]
    ]


def test_a_site_at_rest_says_so(office):
    page = shown(office)
    assert "No reply runs or waits." in page
    assert "0 at workers, 0 in line" in page
    assert "No process has registered." in page
    assert "No worker fails." in page


def test_each_live_reply_is_a_row_with_what_is_known_of_it(office, process):
    asked = timezone.now() - datetime.timedelta(seconds=90)
    reply = live(process, worker="http://10.0.0.9:40000", sent=asked)
    waiting = [live(process, ReplyState.QUEUED) for _ in range(2)]
    live(None, ReplyState.COMPLETE)
    first, second, third = rows(shown(office))
    assert first[:4] == [str(reply.pk)[:8], reply.model.name, "http://10.0.0.9:40000", "streaming"]
    assert 90 <= float(first[4]) < 200
    assert first[5:] == ["17", "machine-7 4711", "Stop"]
    assert [row[0] for row in (second, third)] == [str(each.pk)[:8] for each in waiting]
    assert (second[3], third[3]) == ("waiting, place 1", "waiting, place 2")


def test_the_line_is_in_the_order_in_which_visitors_take_turns(office, process):
    first = live(process, ReplyState.QUEUED)
    greedy = exchange(
        make_conversation(first.conversation.visitor), state=ReplyState.QUEUED, owner=process.pk, sent=None
    )
    other = live(process, ReplyState.QUEUED)
    assert [row[0] for row in rows(shown(office))] == [str(each.pk)[:8] for each in (first, other, greedy)]


def test_a_reply_whose_process_is_gone_is_told_from_the_others(office, process):
    live(process, owner=uuid.uuid4())
    assert rows(shown(office))[0][6] == "none, about to be taken over"


def test_processes_and_workers_that_fail_are_on_the_page(office, process):
    live(process)
    live(process, ReplyState.QUEUED)
    CircuitBreaker.objects.create(
        process=process, address="http://10.0.0.9:1", state="open", failures=3, error_code="worker_refused",
        error_detail=PAYLOAD, changed=timezone.now(),
    )  # fmt: skip
    page = shown(office)
    [row] = [each for each in page.split("<tr>") if '<th scope="row">machine-7</th>' in each]
    assert re.findall(r"<td>(\d+)</td>", row) == ["4711", "99", "1", "1"]
    assert "http://10.0.0.9:1" in page
    assert "worker_refused" in page


def test_nothing_that_anybody_wrote_is_on_the_page(office, process):
    live(process)
    page = shown(office)
    assert "alert" not in page
    assert "x" * 17 not in page


def test_stop_is_asked_for_and_written_into_the_audit_log(office, administrator, process):
    reply = live(process, worker="http://10.0.0.9:40000")
    answer = office.post(stop_address(reply), follow=True)
    assert answer.redirect_chain == [(PAGE, 302)]
    assert "The reply is being stopped." in answer.content.decode()
    assert rows(answer.content.decode())[0][7] == "is being stopped"
    reply.refresh_from_db()
    assert (reply.stop_requested, reply.state) == (True, ReplyState.STREAMING)
    entry = AuditEntry.objects.get()
    assert (entry.actor, entry.action, entry.target) == (administrator, "stop", f"message {reply.pk}")
    assert entry.detail == {
        "conversation": str(reply.conversation_id),
        "model": reply.model.name,
        "worker": "http://10.0.0.9:40000",
    }
    assert "had ended" in office.post(stop_address(reply), follow=True).content.decode()
    assert AuditEntry.objects.count() == 1


def test_a_waiting_reply_that_is_being_stopped_stays_in_sight(office, process):
    reply = live(process, ReplyState.QUEUED)
    overview.stop(reply.pk, None)
    [row] = rows(shown(office))
    assert (row[3], row[7]) == ("waiting", "is being stopped")


def test_what_has_ended_cannot_be_stopped(office, process):
    reply = live(process, ReplyState.COMPLETE)
    assert "had ended" in office.post(stop_address(reply), follow=True).content.decode()
    assert not Message.objects.filter(stop_requested=True).exists()
    assert not AuditEntry.objects.exists()


def test_the_page_and_stop_need_permissions_of_their_own(staff, process):
    reply = live(process)
    nobody = browser_of(staff("chat.view_message", "chat.change_message"))
    assert nobody.get(PAGE).status_code == 403
    assert nobody.post(stop_address(reply)).status_code == 403
    viewer = browser_of(staff("chat.view_runningreply"))
    page = shown(viewer)
    assert rows(page)[0][7] == "–"
    assert address(Conversation, "change", reply.conversation_id) not in page
    assert "machine-7</th>" not in page
    assert "No worker fails." not in page
    assert viewer.post(stop_address(reply)).status_code == 403
    assert not Message.objects.filter(stop_requested=True).exists()
    reader = browser_of(staff("chat.view_runningreply", "chat.view_conversation"))
    assert f"{address(Conversation, 'change', reply.conversation_id)}#message-{reply.pk}" in shown(reader)
    stopper = browser_of(staff("chat.view_runningreply", "chat.stop_runningreply"))
    assert rows(shown(stopper))[0][7] == "Stop"
    assert stopper.post(stop_address(reply)).status_code == 302
    assert Message.objects.get(pk=reply.pk).stop_requested


def test_strangers_and_forged_forms_stop_nothing(office, administrator, process):
    reply = live(process)
    assert Client().post(stop_address(reply)).url.startswith(reverse("admin:login"))
    forged = Client(enforce_csrf_checks=True)
    forged.force_login(administrator)
    assert forged.post(stop_address(reply)).status_code == 403
    assert office.get(stop_address(reply)).status_code == 405
    assert not Message.objects.filter(stop_requested=True).exists()


def test_many_replies_take_as_many_queries_as_few_and_the_rest_is_counted(office, process, monkeypatch):
    def queries():
        with CaptureQueriesContext(connection) as captured:
            shown(office)
        return len(captured)

    states = (ReplyState.STREAMING, ReplyState.QUEUED)
    for state in states * 2:
        live(process, state)
    queries()
    few = queries()
    for number in range(10):
        make_model(f"model {number}")
        ServerProcess.objects.create(host="here", pid=number)
        for state in states:
            live(process, state, model=make_model(f"model {number}"))
    assert queries() == few
    monkeypatch.setattr(overview, "MOST", 5)
    page = shown(office)
    assert len(rows(page)) == 10
    assert "14 more are not shown." in page
    assert "12 at workers, 12 in line" in page
