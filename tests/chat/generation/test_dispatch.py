"""A controller that has no worker for several waiting replies is heard, and is not asked without end."""

import asyncio
import random
import time

import pytest

from chat.database import DatabaseThread
from chat.generation import dispatch
from chat.workers.errors import NoWorker


@pytest.mark.parametrize("waiting", [1, 2, 8])
async def test_a_controllers_refusals_are_heard_however_many_wait(waiting, monkeypatch):
    places = dispatch._Places({}, {"model": ["http://controller"]})
    monkeypatch.setattr(dispatch, "_places", lambda models: places)
    asked = []

    def refuse(url, model):
        asked.append(url)
        time.sleep(random.uniform(0.01, 0.05))  # they never end together
        raise NoWorker(model)

    monkeypatch.setattr(dispatch, "_ask_controller", refuse)
    database, ready = DatabaseThread("test"), asyncio.Event()
    dispatcher = dispatch.Dispatcher(database, ready.set)
    try:
        async with asyncio.timeout(10):
            while not (found := await dispatcher.find({"model": waiting})).errors:
                await ready.wait()
                ready.clear()
        assert isinstance(found.errors["model"], NoWorker)
        assert len(asked) == waiting
    finally:
        await dispatcher.close()
        await database.close()
