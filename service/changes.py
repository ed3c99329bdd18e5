"""Tells waiting requests that a job has changed: one Redis subscription per process, fanned out by job id."""

import asyncio
import contextlib
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from typing import Any

import orjson
from redis.asyncio import Redis

from contract import keys
from contract.subscription import follow

log = logging.getLogger(__name__)

Change = dict[str, Any]
"""An event of the ledger: id, status, stage, progress, version, at. Empty: look again, something may be missed."""


class Watch:
    """The changes of one job since the watch began."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[Change] = asyncio.Queue()

    def put(self, change: Change) -> None:
        self._queue.put_nowait(change)

    async def next(self, bound: float) -> Change | None:
        """The next change, or None when `bound` seconds pass without one."""
        try:
            async with asyncio.timeout(bound):
                return await self._queue.get()
        except TimeoutError:
            return None


class Changes:
    def __init__(self, redis: Redis, beat: float) -> None:
        """`redis` and `beat` as `follow` wants them."""
        self._redis = redis
        self._beat = beat
        self._watches: defaultdict[str, set[Watch]] = defaultdict(set)

    @contextlib.contextmanager
    def watch(self, job_id: str) -> Iterator[Watch]:
        """Begin the watch before reading the job, so that no change falls between."""
        watch = Watch()
        self._watches[job_id].add(watch)
        try:
            yield watch
        finally:
            self._watches[job_id].discard(watch)
            if not self._watches[job_id]:
                del self._watches[job_id]

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self._listen_for_ever())
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            await self._redis.aclose()

    async def _listen_for_ever(self) -> None:
        async for message in follow(self._redis, keys.EVENTS, self._beat):
            if message is None:
                self._look_again()
            else:
                self._tell(message)

    def _tell(self, message: str) -> None:
        try:
            change: Change = orjson.loads(message)
            watches = self._watches.get(change["id"], ())
        except (orjson.JSONDecodeError, KeyError, TypeError) as error:
            log.warning("no event of the ledger: %s (%s)", message[:200], error)
            return
        for watch in watches:
            watch.put(change)

    def _look_again(self) -> None:
        for watches in self._watches.values():
            for watch in watches:
                watch.put({})
