"""Answers of providers, used again: a request that is asked for several times at once is made once.

A cache that is away, slow or holds nonsense is a miss, never an error.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Generic, NamedTuple, TypeVar

from contract.calls import CacheResult, CacheStore, Provider
from contract.catalogue import CacheMetrics, Direction
from contract.jobs import CacheLookup
from contract.settings import Workload
from workers.cache.entry import Entry
from workers.cache.link import CacheAwayError, open_link
from workers.cache.shelf import Shelf, Turn

POLL = 0.02
"""Seconds between two looks for what another worker is making."""
Answer = TypeVar("Answer")


class Made(NamedTuple, Generic[Answer]):
    """What a call brought: the answer as it was understood, and as it came."""

    answer: Answer
    entry: Entry


@dataclass(frozen=True, slots=True)
class Query(Generic[Answer]):
    """What is asked of the cache. `request` is all that the answer depends on; each lookup is added to `log`.

    `read` understands a stored answer and raises ValueError or LookupError on one that is none; `make` makes the call.
    `deadline` is that of the job, a time of the loop's clock.
    """

    provider: Provider
    scene: int
    request: str
    log: list[CacheLookup]
    read: Callable[[bytes], Answer]
    make: Callable[[], Awaitable[Made[Answer]]]
    deadline: float


Flight = asyncio.Future[Entry | None]
"""A call under way in this worker; None when it brought nothing."""


class _Found(NamedTuple, Generic[Answer]):
    """`entry` and the `answer` in it, or why there is none."""

    result: CacheResult
    entry: Entry | None = None
    answer: Answer | None = None


def request_name(namespace: str, address: str, payload: bytes) -> str:
    """The same for the same request to the same place within one namespace, and for no other."""
    digest = blake2b(f"{namespace} {address} ".encode(), digest_size=16)
    digest.update(payload)
    return digest.hexdigest()


class Cache:
    def __init__(self, shelf: Shelf, metrics: CacheMetrics, patience: float) -> None:
        """For `patience` seconds a job waits for another's call."""
        self._shelf = shelf
        self._metrics = metrics
        self._patience = patience
        self._flights: dict[str, Flight] = {}

    async def fetch(self, query: Query[Answer]) -> Answer:
        """The stored answer, or that of a call. Raises what `make` raises."""
        began = time.perf_counter()
        under_way = self._flights.get(query.request)
        if under_way is not None:
            found = await self._join(under_way, query)
            self._note(query, found, began)
            return (await query.make()).answer if found.answer is None else found.answer
        flight = self._flights[query.request] = asyncio.get_running_loop().create_future()
        try:
            found = await self._look(query)
            self._note(query, found, began)
            if found.answer is None:
                return await self._make(query, flight)
            flight.set_result(found.entry)
        finally:
            del self._flights[query.request]
            if not flight.done():
                self._shelf.release(query.request)
                flight.set_result(None)
        return found.answer

    async def _join(self, flight: Flight, query: Query[Answer]) -> _Found[Answer]:
        """What another job of this worker gets."""
        landed, _ = await asyncio.wait([flight], timeout=self._until(query) - _now())
        entry = flight.result() if landed else None
        return _Found(CacheResult.ABANDONED) if entry is None else _understood(CacheResult.COALESCED, entry, query)

    async def _look(self, query: Query[Answer]) -> _Found[Answer]:
        """What is stored, or will be when another worker has it."""
        until, result = self._until(query), CacheResult.HIT
        try:
            while not isinstance(found := await self._shelf.find(query.request), Entry):
                if found is Turn.OURS:
                    return _Found(CacheResult.MISS if result is CacheResult.HIT else CacheResult.ABANDONED)
                result = CacheResult.COALESCED
                if _now() > until:
                    return _Found(CacheResult.ABANDONED)
                await asyncio.sleep(POLL)
        except CacheAwayError as away:
            return _Found(away.why)
        except ValueError:
            return _Found(CacheResult.CORRUPT)
        self._metrics.bytes.labels(query.provider, Direction.RECEIVED).inc(len(found.payload))
        return _understood(result, found, query)

    async def _make(self, query: Query[Answer], flight: Flight) -> Answer:
        """Our own call, for all who wait for it."""
        made = await query.make()
        flight.set_result(made.entry)

        def stored(result: CacheStore) -> None:
            self._metrics.stores.labels(query.provider, result).inc()
            if result is CacheStore.STORED:
                self._metrics.bytes.labels(query.provider, Direction.SENT).inc(len(made.entry.payload))

        self._shelf.put(query.request, made.entry, stored)
        return made.answer

    def _until(self, query: Query[Answer]) -> float:
        """At most half of the time that is left: the rest is for a call of our own."""
        return _now() + min(self._patience, (query.deadline - _now()) / 2)

    def _note(self, query: Query[Answer], found: _Found[Answer], began: float) -> None:
        lookup = CacheLookup(
            provider=query.provider,
            scene=query.scene,
            request=query.request,
            result=found.result,
            seconds=time.perf_counter() - began,
            saved=found.entry.seconds if found.entry and found.answer is not None else 0.0,
        )
        query.log.append(lookup)
        count_lookup(lookup, self._metrics)


def count_lookup(lookup: CacheLookup, metrics: CacheMetrics) -> None:
    metrics.lookups.labels(lookup.provider, lookup.result).inc()
    if lookup.saved:
        metrics.saved_seconds.labels(lookup.provider).inc(lookup.saved)


def _understood(result: CacheResult, entry: Entry, query: Query[Answer]) -> _Found[Answer]:
    try:
        return _Found(result, entry, query.read(entry.payload))
    except (ValueError, LookupError):
        return _Found(CacheResult.CORRUPT)


def _now() -> float:
    return asyncio.get_running_loop().time()


@contextlib.asynccontextmanager
async def open_cache(url: str, workload: Workload, metrics: CacheMetrics) -> AsyncIterator[Cache | None]:
    """None where the workload wants no cache."""
    if not workload.cache:
        yield None
        return
    async with open_link(url, _now) as link:
        shelf = Shelf(link, workload.call_timeout)
        try:
            yield Cache(shelf, metrics, workload.call_timeout)
        finally:
            await shelf.settle()
