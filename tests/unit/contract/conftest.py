from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from contract.ledger import Ledger
from contract.records import Records
from tests.unit.contract.ledgers import assert_consistent


@pytest.fixture
async def ledger(redis: Redis) -> AsyncIterator[Ledger]:
    """A ledger on an empty Redis, whose keys must be consistent at the end of the test."""
    yield Ledger(redis)
    await assert_consistent(redis)


@pytest.fixture
def records(redis: Redis) -> Records:
    return Records(redis)
