import contextlib
import os
import re
import shutil
import sqlite3
import uuid
from pathlib import Path

import pytest

from tests.browser.chat_page import ChatPage
from tests.browser.scripted_worker import ScriptedWorker
from tests.browser.states import LOOKS, Stage
from tests.running import Site

DESKTOP = {"width": 1280, "height": 800}
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
# The address bar's popup is a page of its own in each window, and costs as much as the page that is tested; a renderer
# in spare is used by the next page only, and most tests open one. The others are what Playwright turns off: of two such
# flags Chromium heeds the last.
OFF = (
    "WebUIOmniboxPopup",
    "WebUIOmniboxAimPopup",
    "SpareRendererForSitePerProcess",
    "AimEnabled",
    "AvoidCorsURLLoaderRestartOnRedirect",
    "AvoidUnnecessaryBeforeUnloadCheckSync",
    "DestroyProfileOnBrowserClose",
    "HttpsFirstBalancedModeAutoEnable",
    "HttpsUpgrades",
    "LensOverlay",
    "MediaRouter",
    "NetworkTimeServiceQuerying",
    "OptimizationHints",
    "PaintHolding",
    "PreconnectToSearch",
    "ThirdPartyStoragePartitioning",
)
FLAGS = [
    f"--disable-features={','.join(OFF)}",
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


class WritableSite(Site):
    """A site whose database a test may change behind its back."""

    def newest_image(self, columns="width, height"):
        """Give columns of the image that was uploaded last; it may be one that others have uploaded before."""
        return self.rows(
            f"SELECT {columns} FROM chat_image JOIN chat_upload ON chat_upload.image_id = chat_image.id "
            "ORDER BY chat_upload.created DESC LIMIT 1"
        )[0]

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
        options = {"viewport": DESKTOP, "reduced_motion": "reduce", "locale": "en", **options}
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


@pytest.fixture(scope="session")
def quiet_site(start_site):
    """A site with one place for replies."""
    site = start_site("--concurrency-count", "1")
    site.worker = ScriptedWorker()
    site.worker.register(site.controller)
    site.wait_for_model()
    yield site
    site.worker.close()


@pytest.fixture
def open_stage(open_page, quiet_site):
    """Open a page in one of the looks of `states`, and another one that may be before it in line."""

    def open_stage(look, **options):
        quiet_site.worker.replies.clear()  # what somebody in line was never told
        look = {**LOOKS[look], **options}
        chat, other = open_page(site=quiet_site, **look), open_page(site=quiet_site)
        return Stage(chat, other, quiet_site, quiet_site.worker, look["locale"])

    return open_stage


@pytest.fixture(params=[{"viewport": DESKTOP}, PHONE], ids=["desktop", "phone"])
def size(request):
    """Options of a page of either size, for tests that are to hold at both."""
    return request.param


@pytest.fixture
def terms(site):
    """Publish versions of the terms behind the site's back; none of them is left in force afterwards."""

    def publish(version, text):
        later = f"datetime('now', '{len(made)} seconds')"
        values = f"'{version}-{uuid.uuid4().hex[:6]}', '{text}', 1, {later}"
        site.change(f"INSERT INTO chat_terms (version, text, must_be_accepted, created) VALUES ({values})")
        made.append(version)

    made = []
    yield publish
    site.change("DELETE FROM chat_terms WHERE version <> '1'")
