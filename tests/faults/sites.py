"""A site of a test's own with a worker of known speed."""

import contextlib
from types import SimpleNamespace

from tests.faults.invariants import Books
from tests.running import DemoWorker, Site

RATE = 20  # tokens a second
SETTINGS = {"MMCHAT_LIMITS": "off", "MMCHAT_WORKER_CONCURRENCY": "50"}


def worker_of(site: Site) -> DemoWorker:
    return DemoWorker(site, "--rate", str(RATE), "--limit-model-concurrency", "50")


@contextlib.contextmanager
def running_site(folder, **settings: str):
    """Run a site of one process, and its worker; it must end cleanly."""
    site = Site(folder, environment={**SETTINGS, **settings}).start()
    worker = worker_of(site)
    try:
        yield SimpleNamespace(site=site, model=worker.wait(), books=Books(site), url=site.url)
        assert site.stop() == 0
    finally:
        worker.stop()
        site.remove()
