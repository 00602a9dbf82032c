import pytest

from chat.kept import Kept
from chat.limits import windows
from tests.running import DemoWorker, Site


@pytest.fixture(autouse=True)
def _nothing_kept_from_the_test_before():
    Kept.forget_all()
    windows.forget_all()


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """The site with a fast worker for tests, shared by all tests that change nothing of it."""
    site = Site(
        tmp_path_factory.mktemp("site"), "--concurrency-count", "200", environment={"MMCHAT_LIMITS": "off"}
    )
    site.start()
    yield site
    status = site.stop() if site.process.poll() is None else site.process.returncode
    site.remove()
    assert status == 0, "the shared site did not end cleanly"


@pytest.fixture(scope="session")
def worker(site):
    """A worker that sends a token every 10 ms, and takes faults that a message asks for."""
    worker = DemoWorker(site, "--rate", "100", "--allow-fault-requests", "--limit-model-concurrency", "100")
    worker.wait()
    yield worker
    worker.stop()


@pytest.fixture(scope="session")
def model(worker):
    return worker.name


def pytest_addoption(parser):
    parser.addoption(
        "--database-only",
        action="store_true",
        help="run only the tests that use the database of the settings",
    )


def pytest_collection_modifyitems(config, items):
    if not config.getoption("--database-only"):
        return
    uses = ("db", "transactional_db", "django_db_setup", "live_server")
    kept = [
        item for item in items if item.get_closest_marker("django_db") or set(uses) & set(item.fixturenames)
    ]
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = kept
