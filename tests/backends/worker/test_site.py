"""Visitors of a real site talk to tiny models of random weights."""

import asyncio
import base64
import io

import pytest
from PIL import Image

from tests.backends.worker.conftest import png, question
from tests.running import wait_until
from tests.visitor import Visitor


@pytest.fixture(scope="module")
def controller(site):
    """The address at which the site takes workers."""
    told = site.manage(
        "shell", "-v", "0", "-c", "from django.conf import settings as s; print(s.MMCHAT_WORKER_SECRET)"
    )
    return f"{site.url}/workers/{told.stdout.strip()}"


async def ask(page, model, text, *images, conversation=None, **parameters):
    asked = {"images": list(images), "parameters": {"temperature": 0, **parameters}}
    accepted = await page.ask(
        text, model, **asked, **({"conversation": conversation} if conversation else {})
    )
    assert accepted["type"] == "accepted", accepted
    return accepted


async def test_a_conversation_with_pictures_gets_what_the_worker_writes(site, controller, start_worker):
    model = "tiny-of-qwens-kind"
    worker = start_worker("qwen2_vl", "--controller-address", controller, "--model-name", model)
    await asyncio.to_thread(site.wait_for_model, model)
    visitor = await asyncio.to_thread(Visitor, site.url)
    red, blue = png("red"), png("blue", 40, 80)
    uploads = [visitor.upload(Image.open(io.BytesIO(base64.b64decode(one))))["id"] for one in (red, blue)]
    async with visitor.socket() as page:
        accepted = await ask(page, model, "What are these?", *uploads, max_output_tokens=64)
        first = await page.until_ended(accepted["reply"])
        accepted = await ask(
            page, model, "And now?", max_output_tokens=64, conversation=accepted["conversation"]
        )
        second = await page.until_ended(accepted["reply"])
    assert (first["state"], second["state"]) == ("complete", "complete")
    asked = [("What are these?", red, blue), first["text"].strip(), "And now?"]
    for reply, messages in ((first, asked[:1]), (second, asked)):
        wanted = await asyncio.to_thread(worker.last, question(*messages, max_new_tokens=64))
        assert reply["text"] == wanted["text"].strip().replace("\0", "\ufffd")


async def test_stop_on_the_page_stops_the_model(site, controller, start_worker):
    model = "llava-that-stops"
    worker = start_worker("endless_llava", "--controller-address", controller, "--model-name", model)
    await asyncio.to_thread(site.wait_for_model, model)
    visitor = await asyncio.to_thread(Visitor, site.url)
    async with visitor.socket() as page:
        accepted = await ask(page, model, "Tell me everything", max_output_tokens=1024, temperature=1)
        await page.until_text(accepted["reply"])
        await page.send("stop", message=accepted["reply"])
        reply = await page.until_ended(accepted["reply"])
    assert reply["state"] == "stopped"
    await asyncio.to_thread(worker.wait_for_queue, 0)


async def test_what_the_worker_refuses_fails_the_reply_and_administrators_see_why(
    site, controller, start_worker
):
    model = "llava-of-short-memory"
    start_worker("llava", "--controller-address", controller, "--model-name", model)
    await asyncio.to_thread(site.wait_for_model, model)
    visitor = await asyncio.to_thread(Visitor, site.url)
    async with visitor.socket() as page:
        accepted = await ask(page, model, "a" * 3000)
        reply = await page.until_ended(accepted["reply"])
    assert (reply["state"], reply["failure"]["code"]) == ("failed", "worker_context_too_long")
    rows = site.rows("SELECT error_detail FROM chat_message WHERE id = ?", reply["id"].replace("-", ""))
    assert "context holds 2048" in rows[0][0]


async def test_a_worker_that_the_site_has_forgotten_registers_again(site, controller, start_worker):
    model = "llava-forgotten"
    worker = start_worker("llava", "--controller-address", controller, "--model-name", model)
    await asyncio.to_thread(site.wait_for_model, model)

    def known():
        return site.rows("SELECT 1 FROM chat_worker WHERE address = ?", worker.address)

    site.manage(
        "shell",
        "-c",
        f"from chat.models import Worker; Worker.objects.filter(address={worker.address!r}).delete()",
    )
    assert not known()
    # A heartbeat is due when a reply ends, and every 15 s.
    await asyncio.to_thread(worker.last, question("Hi", max_new_tokens=1))
    await asyncio.to_thread(wait_until, known, 30, "the worker")
