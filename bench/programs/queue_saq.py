"""SAQ with its defaults but for the slots: `produce URL` or `work URL SLOTS`. Runs in the peers' environment."""

import sys
from typing import Any

import uvloop
from saq.queue.redis import RedisQueue
from saq.worker import Worker

from bench.programs import roles


async def noop(_: dict[str, Any]) -> None:
    roles.began()


async def produce(url: str) -> None:
    queue = RedisQueue.from_url(url)
    await roles.produce(lambda: queue.enqueue("noop"))


async def work(url: str, slots: str) -> None:
    await Worker(RedisQueue.from_url(url), functions=[noop], concurrency=int(slots)).start()


if __name__ == "__main__":
    role, *arguments = sys.argv[1:]
    uvloop.run(produce(*arguments) if role == "produce" else work(*arguments))
