"""The bytes of a connection, counted as it goes."""

import asyncio

from prometheus_client import Counter

from contract.calls import Provider
from contract.catalogue import Direction
from contract.tcp_info import WireBytes, wire_bytes


class WireMeter:
    """Adds to a counter what a connection has carried since it was last looked at."""

    def __init__(self, transport: asyncio.BaseTransport, counter: Counter, provider: Provider) -> None:
        """`counter` has the labels provider and direction."""
        self._socket = transport.get_extra_info("socket")
        self._counter = counter
        self._provider = provider
        self._counted = WireBytes(0, 0)

    def count(self) -> None:
        """To be called when an exchange is over, too, so that a reading between two exchanges is exact."""
        now = None if self._socket is None else wire_bytes(self._socket)
        if now is None:
            return
        self._counter.labels(self._provider, Direction.SENT).inc(now.sent - self._counted.sent)
        self._counter.labels(self._provider, Direction.RECEIVED).inc(now.received - self._counted.received)
        self._counted = now

    def close(self) -> None:
        """The last count, while the socket is still open; afterwards its number may be another connection's."""
        self.count()
        self._socket = None
