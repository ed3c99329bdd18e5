import asyncio
import time

import pytest
from redis.asyncio import Redis

from contract.connections import REDIS_DOWN, connect
from tests.unit.sockets import Gate

BOUND = 0.4


async def seconds_until_given_up(client: Redis) -> float:
    began = time.perf_counter()
    with pytest.raises(REDIS_DOWN):
        await client.get("anything")
    return time.perf_counter() - began


async def test_a_call_gives_up_within_the_bound_whatever_ails_redis(redis_url: str) -> None:
    async with Gate(redis_url) as gate:
        async with connect(gate.url, BOUND) as never_connected:
            gate.hang()
            assert await seconds_until_given_up(never_connected) < BOUND * 1.5
        async with connect(gate.url, BOUND) as connected:
            gate.open()
            await connected.ping()
            gate.hang()
            assert await seconds_until_given_up(connected) < BOUND * 1.5, "a connection that went silent"
            await gate.close()
            assert await seconds_until_given_up(connected) < BOUND * 1.5, "nobody listens"


async def test_a_broken_connection_is_replaced_without_an_error(redis_url: str) -> None:
    async with Gate(redis_url) as gate, connect(gate.url, BOUND) as client:
        await asyncio.gather(*(client.set(f"key-{n}", n) for n in range(5)))
        gate.cut()
        assert await client.get("key-3") == "3"
