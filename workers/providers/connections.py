"""The connections to one provider: kept for the next call or not, and counted with what goes over them."""

import asyncio
import functools

import aiohttp
from aiohttp import ClientRequest, ClientTimeout
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection
from aiohttp.tracing import Trace
from prometheus_client import Counter

from contract.calls import Provider
from contract.catalogue import ConnectionEvent, TrafficMetrics
from contract.wire import WireMeter

KEEP_ALIVE = 30.0


def session(provider: Provider, metrics: TrafficMetrics, *, pooling: bool) -> aiohttp.ClientSession:
    """One per worker and provider. Its connections have no limit: the slots bound them, and waiting for one would look
    like a slow provider.
    """
    connector = MeteredConnector(provider, metrics, pooling=pooling)
    return aiohttp.ClientSession(connector=connector, auto_decompress=True, cookie_jar=aiohttp.DummyCookieJar())


class _MeteredProtocol(ResponseHandler):
    meter: WireMeter
    used = False

    def __init__(self, loop: asyncio.AbstractEventLoop, provider: Provider, metrics: TrafficMetrics) -> None:
        super().__init__(loop)
        self._provider = provider
        self._metrics = metrics

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.meter = WireMeter(transport, self._metrics.wire_bytes, self._provider)
        self._happened(ConnectionEvent.OPENED)

    def connection_lost(self, exc: BaseException | None) -> None:
        self.meter.close()
        self._happened(ConnectionEvent.CLOSED)
        super().connection_lost(exc)

    def begin(self) -> None:
        """Of an exchange."""
        if self.used:
            self._happened(ConnectionEvent.REUSED)
        self.used = True

    def _happened(self, event: ConnectionEvent) -> None:
        self._metrics.connections.labels(self._provider, event).inc()


class MeteredConnector(aiohttp.TCPConnector):
    """Without `pooling` each call has a connection of its own."""

    def __init__(self, provider: Provider, metrics: TrafficMetrics, *, pooling: bool) -> None:
        super().__init__(limit=0, force_close=not pooling, keepalive_timeout=KEEP_ALIVE if pooling else None)
        loop = asyncio.get_running_loop()

        def protocol() -> ResponseHandler:
            return _MeteredProtocol(loop, provider, metrics)

        self._factory = functools.partial(protocol)

    async def connect(
        self,
        req: ClientRequest,
        traces: list[Trace],
        timeout: ClientTimeout,  # noqa: ASYNC109 - aiohttp's signature
    ) -> Connection:
        connection = await super().connect(req, traces, timeout)
        protocol = connection.protocol
        assert isinstance(protocol, _MeteredProtocol)
        protocol.begin()
        connection.add_callback(protocol.meter.count)
        return connection


Carried = list[tuple[str, str, float]]
"""Of a counter's label children: provider, direction or event, and how much."""


def carried(counter: Counter) -> Carried:
    return [
        (*sample.labels.values(), sample.value)  # type: ignore[misc] # the labels are two
        for metric in counter.collect()
        for sample in metric.samples
        if sample.name.endswith("_total") and sample.value
    ]


def take_over(counted: Carried, counter: Counter) -> None:
    """What another process counted, which nobody asks for it."""
    for provider, what, amount in counted:
        counter.labels(provider, what).inc(amount)
