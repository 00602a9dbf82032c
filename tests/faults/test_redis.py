"""A site whose Redis goes away: pages open, replies finish, and tabs at the same process see each other's messages."""

from urllib.parse import urlsplit

import pytest

from tests import parts
from tests.faults.invariants import Books, assert_promises
from tests.faults.proxy import FaultProxy
from tests.running import DemoWorker, Site
from tests.visitor import Visitor


@pytest.mark.parametrize("fault", ["refuse", "black_hole"])
async def test_pages_open_and_replies_finish_while_redis_is_unreachable(fault, tmp_path):
    with parts.redis() as url, FaultProxy("127.0.0.1", urlsplit(url).port) as proxy:
        site = Site(tmp_path, environment={"REDIS_URL": f"redis://127.0.0.1:{proxy.port}/0"}).start()
        worker = DemoWorker(site, "--rate", "100")
        try:
            model = worker.wait()
            visitor = Visitor(site.url)
            getattr(proxy, fault)()
            async with visitor.socket() as page, visitor.socket() as other:
                first = await page.ask("hello", model)
                await page.until_ended(first["reply"])
                await other.send("open", conversation=first["conversation"])
                await other.expect("conversation")
                second = await page.ask("count to 30", model, conversation=first["conversation"])
                await page.until_ended(second["reply"])
                await other.until_ended(second["reply"])
            assert_promises(Books(site), page, second)
            assert_promises(Books(site), other, second)
        finally:
            proxy.heal()
            worker.stop()
            status = site.stop()
            site.remove()
        assert status == 0
