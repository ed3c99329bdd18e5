"""Tells waiting requests that a job has changed: one Redis subscription per process, fanned out by job id."""

import asyncio
import contextlib
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from typing import Any

import orjson
from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from contract import keys

log = logging.getLogger(__name__)

_FIRST_PAUSE = 0.05
"""Seconds before a lost subscription is tried again; doubles up to a second."""

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
    """`redis` must not repeat commands by itself: a subscription renewed in silence hides what was missed meanwhile."""

    def __init__(self, redis: Redis, beat: float) -> None:
        """After `beat` seconds of silence Redis is pinged; as long again without an answer, it counts as away."""
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
        pause = _FIRST_PAUSE
        while True:
            try:
                async with self._redis.pubsub() as pubsub:
                    await pubsub.subscribe(keys.EVENTS)
                    async for message in self._messages(pubsub):
                        if message["type"] == "subscribe":
                            pause = _FIRST_PAUSE
                            self._look_again()
                        elif message["type"] == "message":
                            self._tell(orjson.loads(message["data"]))
            except (RedisError, OSError, ValueError, KeyError) as error:
                log.warning("event subscription lost (%s); trying again in %.2f s", error, pause)
                await asyncio.sleep(pause)
                pause = min(pause * 2, 1.0)

    async def _messages(self, pubsub: PubSub) -> AsyncIterator[dict[str, Any]]:
        """Raises one of REDIS_DOWN when the connection breaks or stays silent."""
        pinged = False
        while True:
            message = await pubsub.get_message(timeout=self._beat)
            if message is not None:
                pinged = False
                yield message
            elif pinged:
                raise RedisTimeoutError(f"no answer within {self._beat} s")
            else:
                await pubsub.ping()
                pinged = True

    def _tell(self, change: Change) -> None:
        for watch in self._watches.get(change["id"], ()):
            watch.put(change)

    def _look_again(self) -> None:
        for watches in self._watches.values():
            for watch in watches:
                watch.put({})
