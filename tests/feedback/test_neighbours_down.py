"""Votes while the database does not answer. (While Redis does not: tests/faults/test_redis.py.)"""

import threading

import pytest
from django.db import connection, connections
from django.urls import reverse

from feedback.models import Vote
from tests.feedback.conftest import tab_of
from tests.feedback.stories import exchange, make_conversation


def vote(client, reply):
    return client.post(
        reverse("feedback:vote", args=[reply.pk]), {"value": "up"}, content_type="application/json"
    )


@pytest.mark.django_db(transaction=True)
def test_a_database_that_stays_locked_is_told_in_words():
    reply = exchange(make_conversation())
    tab = tab_of(reply.conversation.visitor_id)
    locked, released = threading.Event(), threading.Event()

    def other_process():
        own = connections["default"]
        with own.cursor() as cursor:
            if own.vendor == "sqlite":
                cursor.execute("BEGIN IMMEDIATE")
            else:
                cursor.execute("BEGIN")
                cursor.execute("LOCK TABLE chat_visitor IN ACCESS EXCLUSIVE MODE")
            locked.set()
            released.wait(30)
            cursor.execute("ROLLBACK")
        own.close()

    thread = threading.Thread(target=other_process)
    thread.start()
    try:
        assert locked.wait(10)
        with connection.cursor() as cursor:
            patience = (
                "PRAGMA busy_timeout = 100" if connection.vendor == "sqlite" else "SET lock_timeout = 100"
            )
            cursor.execute(patience)
        response = vote(tab, reply)
    finally:
        released.set()
        thread.join(30)
        connection.close()
    assert response.status_code == 503
    assert response.json()["error"]["code"] == "storage_unavailable"
    assert not Vote.objects.exists()
