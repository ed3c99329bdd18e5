"""A gate before a real Redis: it lets traffic through, swallows it, cuts it or is not there."""

import asyncio
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit, urlunsplit


class Gate:
    """An `async with` block; `url` is where the Redis behind it is met. Open at first."""

    def __init__(self, redis_url: str) -> None:
        self._behind = urlsplit(redis_url)
        self._passing = asyncio.Event()
        self._passing.set()
        self._answers_pass = True
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._meetings: set[asyncio.Task[None]] = set()
        self._ways: set[asyncio.Task[None]] = set()
        self._port = 0

    @property
    def url(self) -> str:
        return urlunsplit(self._behind._replace(netloc=f"127.0.0.1:{self._port}"))

    async def __aenter__(self) -> Self:
        await self.listen()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def listen(self) -> None:
        """At the same port as before, if there was one."""
        self._server = await asyncio.start_server(self._meet, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    def open(self) -> None:
        self._answers_pass = True
        self._passing.set()

    def hang(self) -> None:
        """Connections are accepted and stay, and no byte passes in either direction."""
        self._passing.clear()

    def swallow_answers(self) -> None:
        """What is asked is done, and nobody hears of it."""
        self._answers_pass = False

    def forget(self) -> None:
        """Connections that hang stay silent for ever, as after a failover; new ones pass once the gate is open."""
        self._passing = asyncio.Event()

    def cut(self) -> None:
        """Breaks the connections that there are; new ones are let in."""
        for writer in self._writers:
            writer.transport.abort()

    async def close(self) -> None:
        """Connections are refused."""
        if self._server is None:
            return
        self._server.close()
        self.cut()
        for way in self._ways:
            way.cancel()
        await asyncio.gather(*self._meetings)
        await self._server.wait_closed()
        self._server = None

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._meetings.add(task)
        task.add_done_callback(self._meetings.discard)
        far_reader, far_writer = await asyncio.open_connection(self._behind.hostname, self._behind.port)
        self._writers |= {writer, far_writer}
        ways = {
            asyncio.create_task(self._carry(reader, far_writer, answers=False)),
            asyncio.create_task(self._carry(far_reader, writer, answers=True)),
        }
        self._ways |= ways
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        self._ways -= ways
        self._writers -= {writer, far_writer}
        for end in (writer, far_writer):
            end.transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, answers: bool) -> None:
        passing = self._passing
        while data := await reader.read(65536):
            await passing.wait()
            if answers and not self._answers_pass:
                continue
            writer.write(data)
            await writer.drain()
