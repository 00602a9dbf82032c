"""Write to a site's database from several processes at once, by the site's own functions.

`python -m tests.faults.writers PROCESSES ROWS` prints, as JSON, the id, state and text of every message that was
stored; half of each process's rows are questions and half the replies to them.
"""

import json
import multiprocessing
import sys
import uuid

import django
from django.core.management import call_command
from django.db import connection, connections

django.setup()  # this is a program: the models below want it

from chat import events, queue, turns  # noqa: E402
from chat.generation import records  # noqa: E402
from chat.models import Backend  # noqa: E402

MODEL = "llava-writers"
AT_ONCE = 25  # replies that one process generates at the same time


def prepare() -> None:
    """Make a database with one model that is always listed."""
    call_command("migrate", verbosity=0)
    backend = Backend.objects.create(name="elsewhere", kind=Backend.Kind.CONTROLLER)
    backend.store_list([MODEL])


def write(number: int, rows: int) -> list[tuple[str, str, str]]:
    """Ask, start, write on and end `rows` / 2 replies, some at once, as one process of the site does."""
    owner, visitor, stored = uuid.uuid4(), uuid.uuid4(), []
    records.register_process(owner, "writers", number)
    for begin in range(0, rows // 2, AT_ONCE):
        questions = [f"question {turn} of {number}" for turn in range(begin, min(begin + AT_ONCE, rows // 2))]
        frames = [events.Send(client_id=uuid.uuid4(), model=MODEL, text=text) for text in questions]
        asked = [turns.start(visitor, None, frame, owner) for frame in frames]
        replies = [turn.reply for turn in asked]
        worker = queue.Candidate(f"http://worker-{number}")
        admitted = queue.admit(owner, dict.fromkeys(replies, queue.Ready(MODEL)), {MODEL: [worker]})
        assert {reply for reply, _ in admitted.started} == set(replies), admitted
        records.write_progress(owner, [records.Progress(reply, "answ", 0, None) for reply in replies])
        for turn, question in zip(asked, questions, strict=True):
            answer = question.replace("question", "answer")
            assert records.finish(owner, records.Progress(turn.reply, answer, 0, None), "complete")
            stored += [(turn.message.hex, "complete", question), (turn.reply.hex, "complete", answer)]
    return stored


def main(processes: int, rows: int) -> None:
    prepare()
    # Children must share no connection, nor a pool whose threads they don't have.
    connections.close_all()
    if connection.vendor == "postgresql":
        connection.close_pool()
    with multiprocessing.get_context("fork").Pool(processes) as pool:
        written = pool.starmap(write, [(number, rows) for number in range(processes)], chunksize=1)
    json.dump([row for rows_of_one in written for row in rows_of_one], sys.stdout)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
