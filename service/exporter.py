"""The one exporter of both Redis: the ledger's totals and the cache's state as metrics, read at each scrape.

Totals live in Redis, so a killed worker takes no count with it; while a Redis is away nothing but that is exported.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Iterator

from anyio import to_thread
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from redis.asyncio import Redis
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from contract.catalogue import CacheState, LedgerTotals, RunState
from contract.connections import REDIS_DOWN, connect
from contract.exposition import ProcessRegistry, render
from contract.jobs import Status
from contract.lag import watching_lag
from contract.records import Records
from contract.run import current_run, verdicts
from contract.server import serve
from contract.settings import Deployment


class _Snapshot(Collector):
    """Holds what one scrape read; None while Redis is away. `up` names the metric that says so."""

    def __init__(self, up: str, documentation: str) -> None:
        self.families: list[Metric] | None = None
        self._up = up
        self._documentation = documentation

    async def take(self, reading: Awaitable[list[Metric]]) -> None:
        try:
            self.families = await reading
        except REDIS_DOWN:
            self.families = None

    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily(self._up, self._documentation, float(self.families is not None))
        yield from self.families or ()


async def _state(cache: Redis) -> list[Metric]:
    return list(CacheState.families(await cache.info("memory") | await cache.info("stats")))


async def _read(records: Records) -> list[Metric]:
    totals, backlog = await records.totals(), await records.backlog()
    states = {Status.QUEUED: backlog.queued, Status.IN_PROGRESS: backlog.in_progress}
    run = await current_run(records.redis)
    return [
        *LedgerTotals.families(totals, states, backlog.oldest, run.phase, await records.begun()),
        *RunState.families(run.faults, await verdicts(records.redis)),
    ]


def create_app(deployment: Deployment) -> Starlette:
    registry = ProcessRegistry()
    ledger = _Snapshot(LedgerTotals.UP, "1 while the ledger answers")
    kept = _Snapshot(CacheState.UP, "1 while the cache answers")
    registry.register(ledger)
    registry.register(kept)
    records = Records(connect(deployment.redis_url, deployment.redis_timeout / 4))
    cache = connect(deployment.cache_url, deployment.redis_timeout / 4)

    async def metrics(_: Request) -> Response:
        await asyncio.gather(ledger.take(_read(records)), kept.take(_state(cache)))
        body, media_type = await to_thread.run_sync(render, registry)
        return Response(body, media_type=media_type)

    async def healthz(_: Request) -> Response:
        return PlainTextResponse("ok")

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with watching_lag(registry.process.lag_seconds):
            yield
        await records.redis.aclose()
        await cache.aclose()

    return Starlette(routes=[Route("/metrics", metrics), Route("/healthz", healthz)], lifespan=lifespan)


if __name__ == "__main__":
    settings = Deployment()
    serve(create_app(settings), settings.host, settings.port, settings.log_level)
