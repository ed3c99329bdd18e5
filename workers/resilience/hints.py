"""What the circuit breakers of all workers share through Redis: whose turn a probe is, and what they have learnt.

Only a hint: without Redis each worker decides for itself, and no call waits for it longer than PATIENCE.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any
from uuid import uuid4

import orjson
from redis.asyncio import Redis
from redis.asyncio.lock import Lock
from redis.exceptions import LockError, RedisError

from contract import keys
from contract.calls import Provider
from contract.subscription import follow
from workers.resilience.breaker import News

log = logging.getLogger(__name__)

PATIENCE = 0.05
"""Seconds."""
AWAY = (RedisError, OSError)


class Hints:
    def __init__(self, redis: Redis, probe_every: float) -> None:
        """One turn is given out every `probe_every` seconds."""
        self._redis = redis
        self._probe_every = probe_every
        self._name = uuid4().hex
        self._tasks: set[asyncio.Task[Any]] = set()

    async def take_turn(self, provider: Provider) -> Lock | None:
        """None when the turn is another worker's. A Redis that is away or slow gives it to everybody."""
        lock = self._redis.lock(
            keys.breaker_probe(provider), timeout=self._probe_every, blocking=False, thread_local=False
        )
        asking = self._spawn(_acquire(lock))
        try:
            # asked in a task of its own: redis-py may lose a cancellation, and a late answer must not hold up a call
            answered, _ = await asyncio.wait([asking], timeout=PATIENCE)
        except asyncio.CancelledError:
            asking.add_done_callback(lambda _: self.give_back(lock))
            raise
        return None if answered and not asking.result() else lock

    def give_back(self, turn: Lock) -> None:
        """For a probe that was not made; without effect when the turn has passed on."""
        self._spawn(_release(turn))

    def tell(self, provider: Provider, news: News) -> None:
        self._spawn(self._publish(orjson.dumps([self._name, provider, news])))

    async def _publish(self, message: bytes) -> None:
        with contextlib.suppress(*AWAY):
            await self._redis.publish(keys.BREAKERS, message)

    @contextlib.asynccontextmanager
    async def listening(
        self, subscriber: Redis, beat: float, hear: Callable[[Provider, News], None]
    ) -> AsyncIterator[None]:
        """`subscriber` and `beat` as `follow` wants them; `hear` is told what other workers tell."""
        self._spawn(self._listen(subscriber, beat, hear))
        try:
            yield
        finally:
            tasks = list(self._tasks)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _listen(self, subscriber: Redis, beat: float, hear: Callable[[Provider, News], None]) -> None:
        async for message in follow(subscriber, keys.BREAKERS, beat):
            if message is None:
                continue
            try:
                name, provider, news = orjson.loads(message)
                told = Provider(provider), News(news)
            except (TypeError, ValueError):
                log.warning("not understood on %s: %.100s", keys.BREAKERS, message)
                continue
            if name != self._name:
                hear(*told)

    def _spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = asyncio.create_task(work)
        self._tasks.add(task)  # the loop itself holds tasks weakly
        task.add_done_callback(self._tasks.discard)
        return task


async def _acquire(lock: Lock) -> bool:
    """False only when another worker holds it."""
    try:
        return bool(await lock.acquire())
    except AWAY:
        return True


async def _release(lock: Lock) -> None:
    with contextlib.suppress(LockError, *AWAY):  # it has expired, was never ours, or Redis is away
        await lock.release()
