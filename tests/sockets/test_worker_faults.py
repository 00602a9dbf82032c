"""Whatever a worker does, the reply ends with a name for it, words for the visitor, and the text that came."""

import pytest

from tests.running import DemoWorker, Site
from tests.visitor import Visitor

WITH_TEXT = {
    "reset@10": "worker_broke_off",
    "broken-off@10": "worker_broke_off",
    "error-code@10": "worker_reported_error",
}
WITHOUT_TEXT = {
    "garbage": "worker_bad_json",
    "bad-utf8": "worker_bad_utf8",
    "html": "worker_html",
    "redirect": "worker_redirect",
    "http-500": "worker_http_error",
    "http-429": "worker_busy",
    "empty": "worker_empty",
    "no-nul": "worker_oversized",
}


@pytest.mark.parametrize(("fault", "code"), [*WITH_TEXT.items(), *WITHOUT_TEXT.items()])
async def test_a_fault_of_the_worker_ends_the_reply_by_its_name(visitor, model, fault, code):
    async with visitor.socket() as page:
        accepted = await page.ask(f"count to 60 [[fault:{fault}]]", model)
        reply = await page.until_ended(accepted["reply"])
        await page.send("open", conversation=accepted["conversation"])
        stored = await page.expect("conversation")
    assert (reply["state"], reply["failure"]["code"]) == ("failed", code)
    assert reply["failure"]["text"]
    assert "Traceback" not in reply["failure"]["text"]
    assert bool(reply["text"]) == (fault in WITH_TEXT)
    assert reply["text"] == next(
        info["text"] for info in stored["messages"] if info["id"] == accepted["reply"]
    )


@pytest.fixture(scope="module")
def impatient_site(tmp_path_factory):
    """A site that waits a second where others wait a minute."""
    site = Site(
        tmp_path_factory.mktemp("impatient"),
        environment={
            "MMCHAT_FIRST_TOKEN_TIMEOUT": "1",
            "MMCHAT_SILENCE_TIMEOUT": "1",
            "MMCHAT_REPLY_TIMEOUT": "4",
        },
    ).start()
    worker = DemoWorker(site, "--rate", "50", "--allow-fault-requests")
    worker.wait()
    yield site, worker.name
    worker.stop()
    site.stop()
    site.remove()


@pytest.mark.parametrize(
    ("question", "code", "text"),
    [
        ("hello [[fault:hang]]", "worker_silent", False),
        ("count to 60 [[fault:stall@10]]", "worker_stalled", True),
        ("count to 5000", "worker_too_long", True),
    ],
)
async def test_a_worker_that_keeps_a_visitor_waiting_is_cut_off(impatient_site, question, code, text):
    site, model = impatient_site
    visitor = Visitor(site.url)
    async with visitor.socket() as page:
        accepted = await page.ask(question, model)
        reply = await page.until_ended(accepted["reply"])
    assert (reply["state"], reply["failure"]["code"]) == ("failed", code)
    assert bool(reply["text"]) == text
