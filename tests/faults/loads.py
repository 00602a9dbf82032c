"""A site for many visitors, and what every load test does with it."""

import asyncio
import contextlib

from tests.faults.invariants import Books, assert_nothing_runs
from tests.running import DemoWorker, Site
from tests.visitor import Page, Visitor

AT_ONCE = 50  # pages that open at the same moment
SETTINGS = {"MMCHAT_CONCURRENCY_COUNT": "2000", "MMCHAT_WORKER_CONCURRENCY": "2000", "MMCHAT_LIMITS": "off"}


def tell(what: str, figure: float) -> None:
    """Print what was measured; `pytest -rP` shows it of tests that pass, too."""
    print(f"{what}: {figure:,.1f}")


@contextlib.contextmanager
def running(folder, rate: int, **settings: str):
    """Run a site of one process, and a worker; give the site with its model."""
    site = Site(folder, environment={**SETTINGS, **settings}).start()
    worker = DemoWorker(site, "--rate", str(rate), "--limit-model-concurrency", "2000")
    try:
        site.model = site.wait_for_model()
        site.books = Books(site)
        yield site
        assert site.stop() == 0, "the site did not end cleanly"
        assert "Traceback" not in site.log
    finally:
        worker.stop()
        site.remove()


async def warm_up(site: Site, url: str) -> None:
    """What the first visitors make a site load stays, and is not theirs."""
    visitors = await visitors_of(url, 3)
    async with pages_of(visitors, 60) as pages:
        accepted = [await page.ask("count to 3", site.model) for page in pages]
        for page, each in zip(pages, accepted, strict=True):
            await page.until_ended(each["reply"])
    await asyncio.to_thread(assert_nothing_runs, site.books)


async def visitors_of(url: str, number: int) -> list[Visitor]:
    return [await asyncio.to_thread(Visitor, url) for _ in range(number)]


@contextlib.asynccontextmanager
async def pages_of(visitors: list[Visitor], number: int):
    """Open so many pages, some at a time, and close them in the end."""
    places = asyncio.Semaphore(AT_ONCE)
    pages: list[Page] = []

    async def open_one(visitor: Visitor) -> None:
        async with places:
            page = Page(await visitor.connect(compression=None))
            pages.append(page)
            await page.expect("hello", 60)

    async def close_one(page: Page) -> None:
        async with places:
            await page.connection.close()

    try:
        await asyncio.gather(*(open_one(visitors[each % len(visitors)]) for each in range(number)))
        yield pages
    finally:
        await asyncio.gather(*(close_one(page) for page in pages))
