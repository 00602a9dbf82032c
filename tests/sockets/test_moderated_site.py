"""With `--moderate` each message is checked before a worker sees it."""

import pytest

from tests.outside import Moderation
from tests.running import DemoWorker, Site
from tests.visitor import Visitor


@pytest.fixture(scope="module")
def moderation():
    service = Moderation()
    yield service
    service.close()


@pytest.fixture(scope="module")
def moderated(moderation, tmp_path_factory):
    site = Site(
        tmp_path_factory.mktemp("moderated"),
        "--moderate",
        environment={
            "MMCHAT_MODERATION_URL": f"{moderation.url}/v1/moderations",
            "MMCHAT_MODERATION_KEY": "secret",
        },
    ).start()
    worker = DemoWorker(site, "--rate", "0")
    worker.wait()
    yield site, worker.name
    worker.stop()
    site.stop()
    site.remove()


@pytest.fixture(autouse=True)
def service_up(moderation):
    moderation.status = 200
    moderation.calls.clear()


async def test_a_message_that_is_fine_is_answered(moderated, moderation):
    site, model = moderated
    visitor = Visitor(site.url)
    async with visitor.socket() as page:
        accepted = await page.ask('what "is" this?', model)
        reply = await page.until_ended(accepted["reply"])
    assert reply["state"] == "complete"
    assert [body["input"] for _, body in moderation.calls] == ['what "is" this?']


async def test_a_flagged_message_reaches_no_worker_and_is_stored_as_an_event(moderated):
    site, model = moderated
    visitor = Visitor(site.url)
    async with visitor.socket() as page:
        accepted = await page.ask("something forbidden", model)
        reply = await page.until_ended(accepted["reply"])
    assert (reply["state"], reply["failure"]["code"], reply["text"]) == ("failed", "moderation_flagged", "")
    assert "not sent" in reply["failure"]["text"]
    assert site.rows("SELECT outcome, categories FROM chat_moderationevent ORDER BY id DESC LIMIT 1") == [
        ("refused", '["violence"]')
    ]
    assert site.rows("SELECT worker, sent FROM chat_message ORDER BY created DESC LIMIT 1") == [("", None)]


async def test_a_check_that_is_down_refuses_by_default(moderated, moderation):
    site, model = moderated
    moderation.status = 500
    visitor = Visitor(site.url)
    async with visitor.socket() as page:
        accepted = await page.ask("hello", model)
        reply = await page.until_ended(accepted["reply"])
    assert (reply["state"], reply["failure"]["code"]) == ("failed", "moderation_unavailable")
    assert "secret" not in site.log
