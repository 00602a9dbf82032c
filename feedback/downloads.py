"""Send a file of any size as it is read: Django would have all of a plain `FileResponse` in memory first."""

from collections.abc import AsyncIterator
from typing import Any

from asgiref.sync import sync_to_async
from django.http import FileResponse


class Download(FileResponse):
    """A file for its reader to keep, read in a thread, a block at a time, as fast as it is taken."""

    block_size = 256 * 1024

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, as_attachment=True, **kwargs)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        blocks = iter(self)
        read = sync_to_async(lambda: next(blocks, b""), thread_sensitive=False)
        while block := await read():
            yield block
