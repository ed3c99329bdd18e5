import asyncio
import time

import pytest
from redis.asyncio import Redis

from contract import keys
from contract.catalogue import Phase
from contract.errors import UsageError
from contract.process_faults import Kind, Target
from contract.run import LOCK_SECONDS, CurrentRun, RunLock, current_run, hold_run, publish_verdict, verdicts
from contract.runfolder import Verdict
from tests.unit.contract.ledgers import until_gone


async def test_a_run_shows_its_phase_and_leaves_the_stack_idle(redis: Redis) -> None:
    assert await current_run(redis) == CurrentRun()
    async with hold_run(redis, "run-1") as run:
        await run.enter(Phase.MEASURE)
        assert (await current_run(redis)).phase is Phase.MEASURE
        assert 0 < await redis.pttl(keys.RUN) <= LOCK_SECONDS * 1000
    assert await current_run(redis) == CurrentRun()
    assert not await redis.exists(keys.RUN)


async def test_a_second_run_is_refused_with_the_name_of_the_first(redis: Redis) -> None:
    async with hold_run(redis, "run-1"):
        with pytest.raises(UsageError, match=r"busy with the run run-1.*second stack"):
            async with hold_run(redis, "run-2"):
                pytest.fail("two runs hold one stack")
        assert await redis.exists(keys.RUN), "the refused run dropped the lock of the other"


async def test_the_lock_of_a_dead_run_is_taken_over(redis: Redis) -> None:
    dead, heir = RunLock(redis, "dead"), RunLock(redis, "heir")
    await dead.enter(Phase.MEASURE)
    await redis.pexpire(keys.RUN, 1)
    await until_gone(redis, keys.RUN)
    await heir.enter(Phase.WARMUP)
    with pytest.raises(UsageError, match="heir"):
        await dead.enter(Phase.MEASURE)
    await dead.leave()
    assert (await current_run(redis)).phase is Phase.WARMUP


async def test_the_lock_is_gone_after_a_run_that_failed(redis: Redis) -> None:
    with pytest.raises(ZeroDivisionError):
        async with hold_run(redis, "run-1"):
            raise ZeroDivisionError
    async with hold_run(redis, "run-2"):
        pass


async def until_faults(redis: Redis, expected: dict[tuple[Target, Kind], int]) -> None:
    async with asyncio.timeout(LOCK_SECONDS / 3 - 1):  # sooner than the next renewal
        while (await current_run(redis)).faults != expected:  # noqa: ASYNC110 - Redis is asked
            await asyncio.sleep(0.005)


async def test_a_run_shows_the_faults_that_are_in_force_and_no_other(redis: Redis) -> None:
    killed = Target.WORKER, Kind.KILL
    async with hold_run(redis, "run-1") as run:
        await run.enter(Phase.MEASURE)
        with run.under(*killed), run.under(Target.REDIS, Kind.PAUSE):
            with run.under(*killed):
                await until_faults(redis, {killed: 2, (Target.REDIS, Kind.PAUSE): 1})
            await until_faults(redis, {killed: 1, (Target.REDIS, Kind.PAUSE): 1})
        await until_faults(redis, {})
        assert (await current_run(redis)).phase is Phase.MEASURE


async def test_verdicts_say_when_a_run_last_ended_so(redis: Redis) -> None:
    assert await verdicts(redis) == {"pass": 0, "fail": 0, "invalid": 0}
    before = time.time()
    await publish_verdict(redis, Verdict.FAIL)
    await publish_verdict(redis, Verdict.PASS)
    found = await verdicts(redis)
    assert before <= found["fail"] < found["pass"] <= time.time()
    assert found["invalid"] == 0
