"""The way to the cache's Redis: bounded, cheap, and left alone for a while once it has failed."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from contract.calls import CacheResult

BOUND = 0.1
"""Seconds within which the cache must answer to be of use: a call of a provider takes little longer."""
REST = 1.0
"""Seconds for which a cache that failed is not asked."""

Command = tuple[bytes | str | int | float, ...]


class CacheAwayError(Exception):
    """The cache is of no use now. `why` is DOWN or SLOW."""

    def __init__(self, why: CacheResult) -> None:
        super().__init__(f"the cache is {why}")
        self.why = why


class Link:
    """What is asked while an answer is under way travels together next: a round trip costs more than a command."""

    def __init__(self, redis: Redis, now: Callable[[], float]) -> None:
        """`redis` gives bytes; `now` is a monotonic clock in seconds."""
        self._redis = redis
        self._now = now
        self._waiting: list[tuple[Command, asyncio.Future[Any]]] = []
        self._sender: asyncio.Task[None] | None = None
        self._rests_until = 0.0
        self._why = CacheResult.DOWN

    @property
    def rests(self) -> CacheResult | None:
        """Why nothing is asked now, if so."""
        return self._why if self._now() < self._rests_until else None

    async def ask(self, *command: bytes | str | float) -> Any:  # noqa: ANN401 - whatever the command answers
        """Raises CacheAwayError, at once while the cache is left alone."""
        if why := self.rests:
            raise CacheAwayError(why)
        future = asyncio.get_running_loop().create_future()
        self._waiting.append((command, future))
        if self._sender is None:
            self._sender = asyncio.create_task(self._send_all())
        # asked in a task of its own: redis-py may lose a cancellation, and a late answer must not hold up a job
        answered, _ = await asyncio.wait([future], timeout=BOUND)
        if not answered:
            future.cancel()
            raise self._failed(CacheResult.SLOW)
        return future.result()

    async def _send_all(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting, []
                await self._send(batch)
        finally:
            self._sender = None

    async def _send(self, batch: list[tuple[Command, "asyncio.Future[Any]"]]) -> None:
        pipe = self._redis.pipeline(transaction=False)
        for command, _ in batch:
            pipe.execute_command(*command)
        try:
            answers = await pipe.execute(raise_on_error=False)
        except (RedisError, OSError) as error:
            slow = isinstance(error, RedisTimeoutError | TimeoutError)
            answers = [self._failed(CacheResult.SLOW if slow else CacheResult.DOWN)] * len(batch)
        for (_, future), answer in zip(batch, answers, strict=True):
            _settle(future, answer)

    def _failed(self, why: CacheResult) -> CacheAwayError:
        self._rests_until, self._why = self._now() + REST, why
        return CacheAwayError(why)

    async def close(self) -> None:
        if self._sender is not None:
            await asyncio.wait([self._sender], timeout=BOUND)
        if self._sender is not None:
            self._sender.cancel()
            await asyncio.wait([self._sender])


def _settle(future: "asyncio.Future[Any]", answer: object) -> None:
    if future.done():  # nobody waits any more
        return
    if isinstance(answer, CacheAwayError):
        future.set_exception(answer)
    elif isinstance(answer, RedisError):  # this command alone: a full or a loading Redis
        future.set_exception(CacheAwayError(CacheResult.DOWN))
    else:
        future.set_result(answer)


@contextlib.asynccontextmanager
async def open_link(url: str, now: Callable[[], float]) -> AsyncIterator[Link]:
    """Opens nothing yet, so a cache that is away keeps no worker from starting."""
    redis: Redis = Redis.from_url(
        url, socket_timeout=BOUND, socket_connect_timeout=BOUND, socket_keepalive=True, lib_name=None, lib_version=None
    )
    async with redis:
        link = Link(redis, now)
        try:
            yield link
        finally:
            await link.close()
