"""The run of a stack: one at a time, held by a lock in Redis that expires when its owner is gone."""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Awaitable
from typing import cast

import orjson
from redis.asyncio import Redis

from contract import keys
from contract.catalogue import Phase
from contract.connections import REDIS_DOWN
from contract.errors import UsageError

LOCK_SECONDS = 15.0

_KEEP = """
local held = redis.call('GET', KEYS[1])
if held and cjson.decode(held).owner ~= ARGV[1] then return held end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return ''
"""
_DROP = """
local held = redis.call('GET', KEYS[1])
if held and cjson.decode(held).owner == ARGV[1] then redis.call('DEL', KEYS[1]) end
"""


class RunLock:
    """Use `hold_run`; `enter` publishes the phase that the run is in."""

    def __init__(self, redis: Redis, run_id: str) -> None:
        self._redis = redis
        self._run_id = run_id
        self._owner = secrets.token_hex(8)
        self._phase = Phase.IDLE
        self._taken: UsageError | None = None

    async def enter(self, phase: Phase) -> None:
        """Raises UsageError while another run holds the stack, or when one took it over in the meantime."""
        if self._taken is not None:
            raise self._taken
        self._phase = phase
        await self._keep()

    async def _keep(self) -> None:
        phase = self._phase
        value = orjson.dumps({"owner": self._owner, "run": self._run_id, "phase": phase}).decode()
        kept = self._redis.eval(_KEEP, 1, keys.RUN, self._owner, value, str(int(LOCK_SECONDS * 1000)))
        held = await cast("Awaitable[str]", kept)
        if held:
            other = orjson.loads(held)["run"]
            raise UsageError(
                f"The stack is busy with the run {other}; wait for its end (a dead run is forgotten after "
                f"{LOCK_SECONDS:.0f} s) or start a second stack."
            )

    async def renew_for_ever(self) -> None:
        while True:
            await asyncio.sleep(LOCK_SECONDS / 3)
            try:
                await self._keep()
            except UsageError as taken:
                self._taken = taken
                return
            except REDIS_DOWN:  # scenarios take Redis away on purpose
                continue

    async def leave(self) -> None:
        with contextlib.suppress(*REDIS_DOWN):
            await cast("Awaitable[object]", self._redis.eval(_DROP, 1, keys.RUN, self._owner))


@contextlib.asynccontextmanager
async def hold_run(redis: Redis, run_id: str) -> AsyncIterator[RunLock]:
    lock = RunLock(redis, run_id)
    await lock.enter(Phase.IDLE)
    renewal = asyncio.create_task(lock.renew_for_ever())
    try:
        yield lock
    finally:
        renewal.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await renewal
        await lock.leave()


async def current_phase(redis: Redis) -> Phase:
    held = await redis.get(keys.RUN)
    return Phase(orjson.loads(held)["phase"]) if held else Phase.IDLE
