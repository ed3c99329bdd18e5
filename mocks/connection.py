"""The connection that a call came on: whether the client is still there, and how it is cut."""

import asyncio
from time import perf_counter

from starlette.requests import Request
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

EXTENSION = "reelbench.connection"


class CuttableProtocol(HttpToolsProtocol):
    """Puts each request's transport into its scope, since ASGI knows no way to end a connection without an answer."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {EXTENSION: {"transport": self.transport}}


class Connection:
    """Of a request whose body has been read."""

    def __init__(self, request: Request) -> None:
        self._receive = request.receive
        self._transport: asyncio.Transport = request.scope["extensions"][EXTENSION]["transport"]

    @property
    def lost(self) -> bool:
        """True before ASGI tells it, which takes a turn of the loop."""
        return self._transport.is_closing()

    def cut(self) -> None:
        self._transport.abort()

    async def end(self) -> None:
        """Returns when the client has hung up or the connection was cut."""
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def lost_by(self, deadline: float) -> bool:
        """Waits until `deadline` (on perf_counter's clock) as `hold_until` does, but not for a client that is gone."""
        while (remaining := deadline - perf_counter()) > 0:
            try:
                async with asyncio.timeout(max(remaining, 0.001)):
                    await self.end()
            except TimeoutError:
                continue
            return True
        if self.lost:
            await self.end()
            return True
        return False
