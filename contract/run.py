"""The run of a stack: one at a time, held by a lock in Redis that expires when its owner is gone; and how the ones
before it ended.
"""

import asyncio
import contextlib
import secrets
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import cast

import orjson
from redis.asyncio import Redis

from contract import keys
from contract.catalogue import Phase
from contract.connections import REDIS_DOWN
from contract.errors import UsageError
from contract.process_faults import Kind, Target
from contract.runfolder import Verdict

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


@dataclass(frozen=True, slots=True)
class CurrentRun:
    """What the run that holds the stack tells of itself; idle and without faults where there is none."""

    phase: Phase = Phase.IDLE
    faults: Mapping[tuple[Target, Kind], int] = field(default_factory=dict)
    """How many of each kind are in force."""


class RunLock:
    """Use `hold_run`; `enter` publishes the phase that the run is in."""

    def __init__(self, redis: Redis, run_id: str) -> None:
        self._redis = redis
        self._run_id = run_id
        self._owner = secrets.token_hex(8)
        self._phase = Phase.IDLE
        self._faults: Counter[tuple[Target, Kind]] = Counter()
        self._changed = asyncio.Event()
        self._taken: UsageError | None = None

    async def enter(self, phase: Phase) -> None:
        """Raises UsageError while another run holds the stack, or when one took it over in the meantime."""
        if self._taken is not None:
            raise self._taken
        self._phase = phase
        await self._keep()

    @contextlib.contextmanager
    def under(self, target: Target, kind: Kind) -> Iterator[None]:
        """Publishes that this fault is in force. Does not wait for Redis, which may be its victim."""
        self._faults[target, kind] += 1
        self._changed.set()
        try:
            yield
        finally:
            self._faults[target, kind] -= 1
            self._changed.set()

    async def _keep(self) -> None:
        faults = [(*fault, number) for fault, number in self._faults.items() if number]
        told = {"owner": self._owner, "run": self._run_id, "phase": self._phase, "faults": faults}
        value = orjson.dumps(told).decode()
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
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOCK_SECONDS / 3):
                    await self._changed.wait()
            self._changed.clear()
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


async def current_run(redis: Redis) -> CurrentRun:
    held = await redis.get(keys.RUN)
    if not held:
        return CurrentRun()
    told = orjson.loads(held)
    faults = {(Target(target), Kind(kind)): number for target, kind, number in told["faults"]}
    return CurrentRun(Phase(told["phase"]), faults)


async def publish_verdict(redis: Redis, verdict: Verdict) -> None:
    """That a run has just ended with it."""
    await cast("Awaitable[int]", redis.hset(keys.VERDICTS, verdict, str(time.time())))


async def verdicts(redis: Redis) -> dict[str, float]:
    """When a run last ended with each, in Unix seconds; 0 before the first time."""
    found = await cast("Awaitable[dict[str, str]]", redis.hgetall(keys.VERDICTS))
    return {verdict: float(found.get(verdict, 0)) for verdict in Verdict}
