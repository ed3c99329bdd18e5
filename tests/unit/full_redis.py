"""A Redis that answers and reads, but cannot keep anything: its disk is full, or its memory."""

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

from redis.asyncio import Redis

from contract.connections import connect
from contract.ledger import Ledger
from stack.parts import queue_store
from tests.redis_servers import running_redis
from tests.unit.contract.ledgers import REQUEST


@contextlib.asynccontextmanager
async def full_redis(tmp_path: Path) -> AsyncIterator[str]:
    """The URL of one whose folder is gone, as when its disk is full; it knows one job."""
    async with running_redis(queue_store, tmp_path) as (part, child):
        async with connect(part.url, 5) as redis:
            await Ledger(redis).accept("video_a", REQUEST)
            assert part.folder
            shutil.rmtree(part.folder)
            await redis.config_set("save", "3600 1")
            await redis.bgsave()
            async with asyncio.timeout(10):
                while (await redis.info("persistence"))["rdb_last_bgsave_status"] == "ok":  # noqa: ASYNC110 - Redis knows
                    await asyncio.sleep(0.01)
        try:
            yield part.url
        finally:
            await child.kill()  # asked to end, it would try to save first


@contextlib.asynccontextmanager
async def without_memory(redis: Redis) -> AsyncIterator[None]:
    """For a while it has no room for anything more, and evicts nothing. Other tests use it, too."""
    names = ("maxmemory-policy", "maxmemory")
    before = {name: (await redis.config_get(name))[name] for name in names}
    await redis.config_set("maxmemory-policy", "noeviction")
    await redis.config_set("maxmemory", 1)
    try:
        yield
    finally:
        for name in reversed(names):
            await redis.config_set(name, before[name])
