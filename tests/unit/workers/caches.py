"""Workers that share a cache on a real Redis, and calls whose fate a test decides."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry

from contract.calls import Provider
from contract.catalogue import CacheMetrics
from contract.jobs import CacheLookup
from workers.cache.cache import Cache, Made, Query
from workers.cache.entry import Entry
from workers.cache.link import open_link
from workers.cache.shelf import Shelf
from workers.providers.errors import RejectedError

TOOK = 0.25
"""Seconds that each call says to have taken."""
PATIENCE = 0.4
"""Seconds for which a job waits for another's call, and a lock stands."""


class Call:
    """A provider call that ends when `gate` is set, with an answer that names it, or fails."""

    def __init__(self, name: str = "answer", *, fails: bool = False) -> None:
        self.name = name
        self.fails = fails
        self.made = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.under_way = asyncio.Event()

    async def __call__(self) -> Made[str]:
        self.made += 1
        self.under_way.set()
        await self.gate.wait()
        if self.fails:
            raise RejectedError(Provider.TTS, 0.1)
        return Made(self.name, Entry(self.name.encode(), TOOK))


def read(payload: bytes) -> str:
    """Every answer but one is understood."""
    if payload == b"nonsense":
        raise ValueError("this is none")
    return payload.decode()


@dataclass
class Worker:
    cache: Cache
    shelf: Shelf
    registry: CollectorRegistry
    log: list[CacheLookup] = field(default_factory=list)

    async def fetch(self, call: Call, request: str = "request") -> str:
        deadline = asyncio.get_running_loop().time() + 30
        return await self.cache.fetch(Query(Provider.TTS, 1, request, self.log, read, call, deadline))

    async def settled(self) -> None:
        await self.shelf.settle()

    def counted(self) -> dict[str, float]:
        """Lookups by result, without the zeros; the records tell the same."""
        found = {result: n for (name, result), n in self._samples("result") if name == "t2v_cache_lookups_total" if n}
        assert found == {str(one.result): sum(other.result is one.result for other in self.log) for one in self.log}
        return found

    def metric(self, name: str, **labels: str) -> float:
        value = self.registry.get_sample_value(name, {"provider": "tts", **labels})
        assert value is not None
        return value

    def _samples(self, label: str) -> list[tuple[tuple[str, str], float]]:
        samples = [sample for metric in self.registry.collect() for sample in metric.samples]
        return [((s.name, s.labels.get(label, "")), s.value) for s in samples if s.labels.get("provider") == "tts"]


@contextlib.asynccontextmanager
async def caching(url: str, now: Callable[[], float] | None = None) -> AsyncIterator[Worker]:
    """`now` is the clock by which a cache that failed is left alone."""
    registry = CollectorRegistry()
    async with open_link(url, now or asyncio.get_running_loop().time) as link:
        shelf = Shelf(link, PATIENCE)
        yield Worker(Cache(shelf, CacheMetrics(registry), PATIENCE), shelf, registry)
        await shelf.settle()
