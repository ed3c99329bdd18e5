"""The connection that a call came on: whether the client is still there, and how it is cut."""

import asyncio
from time import perf_counter

from prometheus_client import Counter
from starlette.requests import Request
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from contract.calls import Provider
from contract.wire import WireMeter

EXTENSION = "reelbench.connection"


class CuttableProtocol(HttpToolsProtocol):
    """Puts itself into the scope of each request, since ASGI knows no way to end a connection without an answer."""

    meter: WireMeter | None = None
    """Once a provider was called over this connection, which then is that provider's."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {EXTENSION: {"protocol": self}}

    def connection_lost(self, exc: Exception | None) -> None:
        if self.meter is not None:
            self.meter.close()
        super().connection_lost(exc)


class Connection:
    """Of a request whose body has been read."""

    def __init__(self, request: Request) -> None:
        self._receive = request.receive
        self._protocol: CuttableProtocol = request.scope["extensions"][EXTENSION]["protocol"]
        self._transport: asyncio.Transport = self._protocol.transport

    def count_for(self, provider: Provider, wire_bytes: Counter) -> None:
        """What goes over it from now on, and has so far."""
        if self._protocol.meter is None:
            self._protocol.meter = WireMeter(self._transport, wire_bytes, provider)

    def answered(self) -> None:
        """An answer was handed to the loop, which sends it at the end of this turn."""
        assert self._protocol.meter is not None
        self._protocol.loop.call_soon(self._protocol.meter.count)

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
