"""Large files on their way to whoever asked for them."""

import asyncio
import tracemalloc
from contextlib import closing

from feedback.downloads import Download

SIZE = 40 * 2**20


def test_a_large_file_is_sent_as_it_is_read_and_never_whole_in_memory(tmp_path):
    path = tmp_path / "export.zip"
    path.write_bytes(bytes(SIZE))

    async def take():
        with closing(Download(path.open("rb"), filename="export.zip")) as response:
            return sum([len(block) async for block in response])

    tracemalloc.start()
    try:
        assert asyncio.run(take()) == SIZE
        assert tracemalloc.get_traced_memory()[1] < SIZE / 10
    finally:
        tracemalloc.stop()
