"""A running site makes the exports that it is asked for, in a process of its own."""

import json
import re

from tests.office import Office
from tests.running import wait_until


async def test_what_is_asked_for_in_the_admin_is_made_and_can_be_fetched(site, visitor, model):
    async with visitor.socket() as page:
        accepted = await page.ask("Export this.", model)
        await page.until_ended(accepted["reply"])
    office = Office(site)
    assert "<progress" in office.export(format="jsonl")
    link = wait_until(lambda: re.search(r"feedback/export/[^\"]+/download/", office.exports()), what="a link")
    lines = map(json.loads, office.fetch(link[0]).splitlines())
    assert accepted["reply"] in [line["message_id"] for line in lines]
