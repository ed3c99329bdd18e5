"""A loss of power, played on a real Redis: what was not on disk is gone, what was acknowledged as safe is not."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from redis.asyncio import Redis

from contract.errors import EnvironmentFault
from contract.settings import Fsync, Workload
from stack.local import LocalStack
from stack.power import append_only_file, on_disk

NewStack = Callable[..., LocalStack]

SYNC = 0.2
"""Seconds after which a write to the disk that was under way when its process was paused has ended."""


def test_what_is_on_disk_is_told_to_the_page(tmp_path: Path) -> None:
    path = tmp_path / "log"
    with path.open("wb", buffering=0) as file:
        file.write(b"a" * 10_000)
        assert on_disk(path) == 0
        os.fdatasync(file.fileno())
        assert on_disk(path) == 10_000
        file.write(b"b" * 50_000)
        assert on_disk(path) == 10_000 // 4096 * 4096
        os.fdatasync(file.fileno())
        assert on_disk(path) == 60_000


def test_a_redis_without_a_log_loses_everything_and_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFault, match="keeps no append-only file"):
        append_only_file(tmp_path)


async def written_and_left(stack: LocalStack, pending: int) -> tuple[int, int, int]:
    """How many values Redis acknowledged until the power went, how many of them are left, and the bytes lost.

    The power goes when at least `pending` bytes are not on disk yet, and no write to the disk is under way.
    """
    acknowledged = 0

    async def write() -> None:
        nonlocal acknowledged
        async with Redis.from_url(stack.redis_url, socket_timeout=5) as redis:
            while True:
                await redis.rpush("values", "x" * 100)
                acknowledged += 1

    writing = asyncio.create_task(write())
    log = append_only_file(stack.data_dir.parent / "redis")
    async with asyncio.timeout(10):
        while not 2**16 < on_disk(log) <= log.stat().st_size - pending:
            await stack.fleet.resume("redis")
            await asyncio.sleep(0.02)
            await stack.fleet.pause("redis")
            await asyncio.sleep(pending and SYNC)
    lost = await stack.fleet.lose_power("redis")
    writing.cancel()
    await asyncio.gather(writing, return_exceptions=True)
    await stack.fleet.start("redis")
    async with Redis.from_url(stack.redis_url) as redis:
        left = await redis.llen("values")
    assert not stack.deaths
    return acknowledged, left, lost


async def test_with_fsync_always_nothing_that_was_acknowledged_is_lost(new_stack: NewStack) -> None:
    async with new_stack(workload=Workload(queue_fsync=Fsync.ALWAYS)) as stack:
        acknowledged, left, _ = await written_and_left(stack, pending=0)
    assert left >= acknowledged > 0


async def test_with_fsync_every_second_the_last_second_may_be_lost(new_stack: NewStack) -> None:
    async with new_stack() as stack:
        acknowledged, left, lost = await written_and_left(stack, pending=16_384)
    assert 0 < left < acknowledged
    assert lost > 0


async def test_half_a_transaction_at_the_end_of_the_log_is_none_ever_after(new_stack: NewStack) -> None:
    """Seen at the second start: at the first, Redis itself leaves it out."""
    whole = "redis.call('SET', 'first', 1) redis.call('SET', 'second', 1)"
    async with new_stack() as stack:
        log = append_only_file(stack.data_dir.parent / "redis")
        async with Redis.from_url(stack.redis_url) as redis:
            await redis.eval(whole, 0)
        await stack.fleet.kill("redis")
        kept = log.read_bytes()
        os.truncate(log, kept.rindex(b"second") - 2)
        await stack.fleet.start("redis")
        async with Redis.from_url(stack.redis_url) as redis:
            await redis.eval(whole.replace("first", "third").replace("second", "fourth"), 0)
        await stack.fleet.kill("redis")
        await stack.fleet.start("redis")
        async with Redis.from_url(stack.redis_url) as redis:
            assert sorted(await redis.keys("*")) == [b"fourth", b"third"]
