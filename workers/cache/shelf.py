"""The entries in the cache's Redis, and the locks of those that are being made."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from enum import Enum
from typing import Any
from uuid import uuid4

from contract import keys
from contract.calls import CacheStore
from workers.cache.entry import Entry, pack, unpack
from workers.cache.link import CacheAwayError, Link

LINGER = 0.01
"""Seconds that what is to be stored waits for more of it. Who waits for it in another worker waits as much longer."""
MOST_BYTES = 32 * 2**20
"""That may wait to be stored."""

_FIND = """
local held = redis.call('GET', KEYS[1])
if held then return held end
return redis.call('SET', KEYS[2], ARGV[1], 'NX', 'PX', ARGV[2]) and 1 or 0
"""
_STORE = """
redis.call('SET', KEYS[1], ARGV[2])
if redis.call('GET', KEYS[2]) == ARGV[1] then redis.call('DEL', KEYS[2]) end
"""
_RELEASE = """
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
"""


class Turn(Enum):
    """Who makes the call for an entry that is not there."""

    OURS = 1
    ANOTHERS = 0


class Shelf:
    def __init__(self, link: Link, lock_seconds: float) -> None:
        """After `lock_seconds` the turn of a worker that says no more is over."""
        self._link = link
        self._lock_ms = round(lock_seconds * 1000)
        self._token = uuid4().hex
        self._bytes = 0
        self._departure: asyncio.Future[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def find(self, name: str) -> Entry | Turn:
        """Raises CacheAwayError, and ValueError when what is there is not what was stored."""
        found = await self._link.ask(
            "EVAL", _FIND, 2, keys.CACHE + name, keys.CACHE_LOCK + name, self._token, self._lock_ms
        )
        return unpack(found) if isinstance(found, bytes) else Turn(found)

    def put(self, name: str, entry: Entry, done: Callable[[CacheStore], None]) -> None:
        """In its own time, with others; then `done` is told what became of it. Ends our turn."""
        stored = pack(entry)
        if self._bytes + len(stored) > MOST_BYTES:
            self.release(name)
            done(CacheStore.DROPPED)
            return
        self._bytes += len(stored)
        self._spawn(self._store(name, stored, done))

    def release(self, name: str) -> None:
        """Our turn is over without an entry."""
        self._spawn(self._release(name))

    async def _store(self, name: str, stored: bytes, done: Callable[[CacheStore], None]) -> None:
        """All that lingers at a time is asked in one turn of the loop, and so travels together."""
        result = CacheStore.FAILED
        try:
            await self._linger()
            await self._link.ask("EVAL", _STORE, 2, keys.CACHE + name, keys.CACHE_LOCK + name, self._token, stored)
            result = CacheStore.STORED
        except CacheAwayError:
            self.release(name)
        finally:
            self._bytes -= len(stored)
            done(result)

    async def _release(self, name: str) -> None:
        with contextlib.suppress(CacheAwayError):
            await self._link.ask("EVAL", _RELEASE, 1, keys.CACHE_LOCK + name, self._token)

    def _linger(self) -> "asyncio.Future[None]":
        """Done for all who linger at once."""
        if self._departure is None or self._departure.done():
            loop = asyncio.get_running_loop()
            self._departure = loop.create_future()
            loop.call_later(LINGER, _depart, self._departure)
        return self._departure

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)  # the loop itself holds tasks weakly
        task.add_done_callback(self._tasks.discard)

    async def settle(self) -> None:
        """Until all that was put is stored, or cannot be."""
        while self._tasks:
            await asyncio.wait(self._tasks)


def _depart(departure: "asyncio.Future[None]") -> None:
    if not departure.done():
        departure.set_result(None)
