from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from contract.connections import REDIS_DOWN
from contract.jobs import Stage
from contract.ledger import Cancellation, Deletion, Ledger, Standing
from contract.records import Records
from tests.unit.contract.ledgers import COMPLETED, LIVES, REQUEST, claim_one
from tests.unit.full_redis import without_memory
from tests.unit.orders import order


@pytest.fixture
async def full(redis: Redis) -> AsyncIterator[Redis]:
    """A Redis with three waiting jobs and no memory for more."""
    for name in "abc":
        await Ledger(redis).accept(f"video_{name}", REQUEST)
    async with without_memory(redis):
        yield redis


async def test_a_redis_that_is_full_refuses_new_jobs_and_brings_those_it_has_to_their_ends(full: Redis) -> None:
    ledger = Ledger(full)
    with pytest.raises(REDIS_DOWN, match="maxmemory"):
        await ledger.accept("video_d", REQUEST)
    token = await claim_one(ledger, "first-")
    assert await ledger.renew(LIVES, {"video_a": token}) == {}
    assert await ledger.advance("video_a", token, Stage.SCRIPT, 10) is Standing.CURRENT
    assert await ledger.finish("video_a", token, COMPLETED)
    assert await ledger.cancel("video_b") is Cancellation.CANCELLED
    (other,) = await ledger.claim(order("worker", LIVES, 1, "second-"))
    assert await ledger.hand_back(other.job_id, other.token)
    assert await ledger.delete("video_a") is Deletion.DELETED
    assert (await Records(full).totals())["submitted"] == 3
