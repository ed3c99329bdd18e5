from pathlib import Path

import pytest

from contract.connections import REDIS_DOWN, connect, connect_blocking
from contract.ledger import Ledger
from contract.records import Records
from tests.unit.contract.ledgers import REQUEST
from tests.unit.full_redis import full_redis
from tests.unit.orders import order


async def test_what_cannot_be_kept_is_refused_as_by_a_redis_that_is_away(tmp_path: Path) -> None:
    async with full_redis(tmp_path) as url, connect(url, 5) as redis, connect_blocking(url, 1, 5) as blocking:
        ledger = Ledger(redis)
        with pytest.raises(REDIS_DOWN, match="unable to persist"):
            await ledger.accept("video_b", REQUEST)
        with pytest.raises(REDIS_DOWN, match="unable to persist"):
            await ledger.claim_when_woken(blocking, 0.1, order("worker", 10.0, 1, "first-"))
        job = await Records(redis).job("video_a")
        assert job
        assert job.executions == 0
