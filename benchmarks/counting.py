"""Count what a server sends: a relay of TCP that looks at nothing."""

import asyncio
from types import TracebackType
from urllib.parse import urlsplit


class CountingRelay:
    """Stands between clients and a server; `bytes_to_client` are TCP payload, all connections together."""

    def __init__(self, url: str) -> None:
        self._target = urlsplit(url)
        self.bytes_to_client = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> "CountingRelay":
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _connected(self, from_client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        from_server, to_server = await asyncio.open_connection(self._target.hostname, self._target.port)
        for source, sink, counts in ((from_client, to_server, False), (from_server, to_client, True)):
            task = asyncio.create_task(self._pass_on(source, sink, counts))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pass_on(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, counts: bool) -> None:
        try:
            while data := await source.read(65536):
                if counts:
                    self.bytes_to_client += len(data)
                sink.write(data)
                await sink.drain()
        except ConnectionError:
            pass
        finally:
            sink.close()
