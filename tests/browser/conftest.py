import contextlib
import os
import re
import shutil
import sqlite3
from pathlib import Path

import pytest

from tests.browser.chat_page import ChatPage
from tests.browser.scripted_worker import ScriptedWorker
from tests.running import Site

DESKTOP = {"width": 1280, "height": 800}
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
]


HERE = Path(__file__).parent


def pytest_collection_modifyitems(items):
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.browser)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    report = yield
    if report.failed and "site" in item.funcargs:
        report.sections.append(("the site's log", item.funcargs["site"].log[-4000:]))
    return report


@pytest.fixture(scope="session")
def base_url():
    """Take the place of a plugin's fixture that newer pytests warn about; pages name their site themselves."""
    return None


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args):
    chromium = os.environ.get("MMCHAT_CHROMIUM") or shutil.which("chromium")
    return {**browser_type_launch_args, "executable_path": chromium, "args": FLAGS}


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args):
    return {**browser_context_args, "locale": "en"}


class WritableSite(Site):
    """A site whose database a test may change behind its back."""

    def change(self, sql):
        with contextlib.closing(sqlite3.connect(self.folder / "mmchat.sqlite3", timeout=20)) as connection:
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute(sql)
            connection.commit()


@pytest.fixture(scope="session")
def start_site(tmp_path_factory):
    """Start sites as they ship, which end with the tests."""
    sites = []

    def start(*options, environment=None):
        site = WritableSite(tmp_path_factory.mktemp("site"), *options, environment=environment)
        sites.append(site)
        site.start()
        site.controller = re.search(r"workers register +(\S+)", site.log)[1]
        return site

    yield start
    for site in sites:
        site.remove()


@pytest.fixture(scope="session")
def site(start_site):
    """The site that most tests share."""
    return start_site()


@pytest.fixture(scope="session")
def registered_worker(site):
    worker = ScriptedWorker()
    worker.register(site.controller)
    site.wait_for_model()
    yield worker
    worker.close()


@pytest.fixture
def worker(registered_worker):
    """The worker of the shared site, with nothing left of the test before."""
    registered_worker.replies.clear()
    registered_worker.requests.clear()
    return registered_worker


@pytest.fixture
def open_page(new_context, site):
    """Open pages of the shared site, each with a browser's cookies of its own; they must log no error."""
    pages = []

    def open_page(path="/", context=None, site=site, at=None, **options):
        options = {"viewport": DESKTOP, "reduced_motion": "reduce", **options}
        page = ChatPage((context or new_context(**options)).new_page(), at or site.url)
        pages.append(page)
        page.visit(path)
        return page

    yield open_page
    for page in pages:
        page.assert_no_complaints()


@pytest.fixture
def chat(open_page, worker):
    """The start page of a new visitor."""
    return open_page()
