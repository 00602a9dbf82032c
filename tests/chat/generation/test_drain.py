"""A process that ends keeps what it has begun to store."""

import asyncio
import threading
import uuid
from types import SimpleNamespace

from chat.generation.engine import Engine


async def test_a_message_that_is_being_stored_as_the_end_begins_still_becomes_a_reply():
    engine, reply, asked = Engine(), uuid.uuid4(), []
    is_stored = threading.Event()

    async def generate(run):
        asked.append((run.reply.id, run.admitted_to))

    async def finish(run, ending):
        return ending

    engine._generator.generate = generate
    engine._writer.finish = finish

    async def send():
        await engine.visitors.run(is_stored.wait, 20)
        engine.submit(reply, SimpleNamespace(beginning="", model="a model"), "http://worker")

    try:
        sending = asyncio.create_task(send())
        await asyncio.sleep(0)
        draining = asyncio.create_task(engine.drain(20))
        await asyncio.sleep(0)
        assert engine.draining
        is_stored.set()
        await draining
        assert asked == [(reply, "http://worker")]
        await sending
    finally:
        is_stored.set()
        await engine.visitors.close()
