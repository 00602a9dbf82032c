"""A visitor's message is committed before a worker hears of it, and is so again after each worker that fails."""

import asyncio
import contextlib
import sqlite3

import pytest

from tests.faults import invariants
from tests.faults.conftest import register
from tests.outside import Service
from tests.running import free_port
from tests.visitor import Visitor


class Onlooker(Service):
    """A worker that fails every reply, and looks into the site's database while it is asked."""

    def __init__(self, site) -> None:
        self.database = site.folder / "mmchat.sqlite3"
        self.seen: list[list[tuple]] = []
        super().__init__()

    def answer(self, path, body):
        with contextlib.closing(sqlite3.connect(self.database, timeout=20)) as rows:
            # Another connection sees what is committed only.
            self.seen.append(
                rows.execute(
                    "SELECT role, state, text FROM chat_message ORDER BY created, position"
                ).fetchall()
            )
        return 500, {"path": path}


@pytest.fixture
def onlookers(impatient):
    onlookers = Onlooker(impatient.site), Onlooker(impatient.site)
    yield onlookers
    for onlooker in onlookers:
        onlooker.close()


async def test_a_message_is_committed_before_each_call_of_a_worker(impatient, onlookers):
    model = f"llava-onlooker-{free_port()}"
    question = f"Is this stored for {model}?"
    for onlooker in onlookers:
        await asyncio.to_thread(register, impatient.site, onlooker.url, model)
    visitor = await asyncio.to_thread(Visitor, impatient.url)
    async with visitor.socket() as page:
        accepted = await page.ask(question, model)
        await page.until_ended(accepted["reply"])
    await asyncio.to_thread(invariants.assert_promises, impatient.books, page, accepted)
    for onlooker in onlookers:
        [seen] = onlooker.seen
        assert [(role, text) for role, _, text in seen[-2:]] == [("user", question), ("assistant", "")]
        assert seen[-1][1] == "streaming"
