import os
from types import SimpleNamespace

import pytest
import requests

from tests.faults.invariants import Books
from tests.running import DemoWorker, Site

LONG = os.environ.get("MMCHAT_LONG") == "1"
SECRET = "faults"
IMPATIENT = {
    "MMCHAT_CONNECT_TIMEOUT": "1",
    "MMCHAT_FIRST_TOKEN_TIMEOUT": "2",
    "MMCHAT_SILENCE_TIMEOUT": "2",
    "MMCHAT_REPLY_TIMEOUT": "6",
    "MMCHAT_WORKER_GRACE": "2",
    "MMCHAT_LIMITS": "off",
    "MMCHAT_WORKER_SECRET": SECRET,
}


def register(site: Site, address: str, model: str, queue_length: int = 0, beats: bool = False) -> None:
    """Enter a worker with a site's built-in controller; one that never beats is never forgotten either."""
    requests.post(
        f"{site.url}/workers/{SECRET}/register_worker",
        json={
            "worker_name": address,
            "check_heart_beat": beats,
            "worker_status": {"model_names": [model], "speed": 1, "queue_length": queue_length},
        },
        timeout=10,
    ).raise_for_status()


@pytest.fixture(scope="session")
def impatient(tmp_path_factory):
    """A site that waits two seconds where others wait a minute, with a worker that misbehaves when asked to."""
    site = Site(tmp_path_factory.mktemp("impatient"), environment=IMPATIENT).start()
    worker = DemoWorker(site, "--rate", "50", "--allow-fault-requests", "--limit-model-concurrency", "50")
    model = worker.wait()
    yield SimpleNamespace(site=site, model=model, books=Books(site), url=site.url)
    worker.stop()
    status = site.stop()
    site.remove()
    assert status == 0, "the site did not end cleanly"
