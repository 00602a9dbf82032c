"""A TCP proxy that misbehaves on demand, in a thread with an event loop of its own."""

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Coroutine

PIECE = 16 * 1024
SLICES_PER_SECOND = 10  # in which throttled data goes on
MOST_UNDER_WAY = 64  # pieces; more waits in the sender's own buffers


class FaultProxy:
    """Stand between a client and `host:port`. Every switch acts on open connections and on new ones.

    Its methods may be called from any thread. Faults but `delay` and `black_hole` concern what the server sends.
    `heal` ends all of them; connections that a fault has cut stay cut.
    """

    def __init__(self, host: str, port: int, own_port: int = 0) -> None:
        self.target = (host, port)
        self.connections = 0  # how many there ever were
        self.port = own_port
        self._loop = asyncio.new_event_loop()
        self._server: asyncio.Server | None = None
        self._pairs: set[_Pair] = set()
        self._clear()

    def _clear(self) -> None:
        self.seconds_late = 0.0
        self.rate: float | None = None
        self.most_bytes: int | None = None
        self.corrupts = False
        self.swallows = False

    def __enter__(self) -> "FaultProxy":
        self._thread = threading.Thread(target=self._loop.run_forever, name="fault-proxy", daemon=True)
        self._thread.start()
        self._run(self._listen())
        return self

    def __exit__(self, *_) -> None:
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def open_connections(self) -> int:
        return len(self._pairs)

    # Switches

    def delay(self, seconds: float) -> None:
        """Pass everything on so much later, in both directions; how much passes stays the same."""
        self.seconds_late = seconds

    def throttle(self, bytes_per_second: float) -> None:
        self.rate = bytes_per_second

    def cut_after(self, count: int) -> None:
        """Close each connection after `count` bytes of the server, counted from its beginning."""
        self.most_bytes = count

    def corrupt(self) -> None:
        """Turn one byte in each piece of the server's into another one."""
        self.corrupts = True

    def black_hole(self) -> None:
        """Accept connections, pass nothing on, and say nothing, until healed."""
        self.swallows = True

    def reset(self) -> None:
        """Break all connections with RST, now. New ones are served."""
        self._run(self._reset())

    def refuse(self) -> None:
        """Accept no connections, and break those there are, until healed."""
        self._run(self._stop_listening())
        self.reset()

    def heal(self) -> None:
        """Behave."""
        self._clear()
        self._run(self._listen())

    # In the loop of its thread

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Open a connection to the server."""
        return await asyncio.open_connection(*self.target)

    def _run(self, work: Coroutine) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _listen(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(
                self._accept, "127.0.0.1", self.port, backlog=1000, reuse_address=True
            )
            self.port = self._server.sockets[0].getsockname()[1]

    async def _stop_listening(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    async def _reset(self) -> None:
        pairs = tuple(self._pairs)
        for pair in pairs:
            pair.reset()
        await asyncio.gather(*(pair.task for pair in pairs), return_exceptions=True)

    async def _close(self) -> None:
        await self._stop_listening()
        tasks = [pair.task for pair in self._pairs]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        pair = _Pair(self, reader, writer)
        self._pairs.add(pair)
        try:
            await pair.run()
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            self._pairs.discard(pair)


class _Pair:
    """One connection, and the one to the server behind it."""

    def __init__(self, proxy: FaultProxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._proxy, self._reader, self._writer = proxy, reader, writer
        self._passed = 0  # bytes of the server
        self.task = asyncio.current_task()

    async def run(self) -> None:
        writers = [self._writer]
        ways: list[asyncio.Task] = []
        try:
            while self._proxy.swallows:
                await asyncio.sleep(0.02)
            server_reader, server_writer = await self._proxy.connect()
            writers.append(server_writer)
            forth = asyncio.create_task(self._pass_on(self._reader, server_writer, self._forth))
            back = asyncio.create_task(self._pass_on(server_reader, self._writer, self._back))
            ways = [forth, back]
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            if forth.done() and not back.done() and not forth.exception():
                await asyncio.wait([back])  # the client has said all, the server has not
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            for writer in writers:
                writer.close()

    def reset(self) -> None:
        # Closing a socket that lingers for 0 s sends RST.
        connection: socket.socket = self._writer.get_extra_info("socket")
        with contextlib.suppress(OSError):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()
        self.task.cancel()

    async def _pass_on(self, reader, writer, send) -> None:
        """Read into a queue and write from it, so that a delay is one of time, not of rate."""
        under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(MOST_UNDER_WAY)
        reading = asyncio.create_task(self._read(reader, under_way))
        clock = asyncio.get_running_loop().time
        try:
            while True:
                came, data = await under_way.get()
                await asyncio.sleep(max(0.0, came + self._proxy.seconds_late - clock()))
                while self._proxy.swallows:
                    await asyncio.sleep(0.02)
                if not data:
                    break
                if await send(writer, data):
                    return
            if writer.can_write_eof():
                writer.write_eof()
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    async def _read(self, reader: asyncio.StreamReader, under_way: asyncio.Queue) -> None:
        clock = asyncio.get_running_loop().time
        data = b"-"
        while data:
            try:
                data = await reader.read(PIECE)
            except OSError:
                data = b""
            await under_way.put((clock(), data))

    async def _forth(self, writer: asyncio.StreamWriter, data: bytes) -> bool:
        writer.write(data)
        await writer.drain()
        return False

    async def _back(self, writer: asyncio.StreamWriter, data: bytes) -> bool:
        """Write what the server sent; tell whether the connection is to be cut now."""
        proxy = self._proxy
        if proxy.corrupts:
            data = bytes([data[0] ^ 0xFF]) + data[1:]
        if proxy.most_bytes is not None:
            data = data[: max(0, proxy.most_bytes - self._passed)]
        while data:
            rate = proxy.rate
            size = len(data) if rate is None else max(1, int(rate / SLICES_PER_SECOND))
            piece, data = data[:size], data[size:]
            writer.write(piece)
            await writer.drain()
            self._passed += len(piece)
            if rate is not None:
                await asyncio.sleep(len(piece) / rate)
        return proxy.most_bytes is not None and self._passed >= proxy.most_bytes
