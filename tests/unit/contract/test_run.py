import pytest
from redis.asyncio import Redis

from contract import keys
from contract.catalogue import Phase
from contract.errors import UsageError
from contract.run import LOCK_SECONDS, RunLock, current_phase, hold_run
from tests.unit.contract.ledgers import until_gone


async def test_a_run_shows_its_phase_and_leaves_the_stack_idle(redis: Redis) -> None:
    assert await current_phase(redis) is Phase.IDLE
    async with hold_run(redis, "run-1") as run:
        await run.enter(Phase.MEASURE)
        assert await current_phase(redis) is Phase.MEASURE
        assert 0 < await redis.pttl(keys.RUN) <= LOCK_SECONDS * 1000
    assert await current_phase(redis) is Phase.IDLE
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
    assert await current_phase(redis) is Phase.WARMUP


async def test_the_lock_is_gone_after_a_run_that_failed(redis: Redis) -> None:
    with pytest.raises(ZeroDivisionError):
        async with hold_run(redis, "run-1"):
            raise ZeroDivisionError
    async with hold_run(redis, "run-2"):
        pass
