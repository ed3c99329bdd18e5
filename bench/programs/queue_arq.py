"""Stock arq with its defaults but for the slots: `produce URL` or `work URL SLOTS`."""

import asyncio
import contextlib
import sys
from typing import Any, cast

import uvloop
from arq import create_pool
from arq.connections import RedisSettings
from arq.typing import WorkerCoroutine
from arq.worker import Worker

from bench.programs import roles


async def noop(_: dict[Any, Any]) -> None:
    roles.began()


async def produce(url: str) -> None:
    redis = await create_pool(RedisSettings.from_dsn(url))
    await roles.produce(lambda: redis.enqueue_job("noop"))


async def work(url: str, slots: str) -> None:
    worker = Worker(
        functions=[cast("WorkerCoroutine", noop)], redis_settings=RedisSettings.from_dsn(url), max_jobs=int(slots)
    )
    with contextlib.suppress(asyncio.CancelledError):
        await worker.async_run()
    await worker.close()


if __name__ == "__main__":
    role, *arguments = sys.argv[1:]
    uvloop.run(produce(*arguments) if role == "produce" else work(*arguments))
