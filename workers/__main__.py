"""One worker process: `python -m workers`. Its metrics answer on T2V_PORT once it takes jobs."""

import asyncio
import contextlib
import functools
import logging
import os
import socket

import uvloop
from arq.connections import ArqRedis
from redis.asyncio import ConnectionPool

from contract.catalogue import WorkerMetrics
from contract.connections import connect, connect_blocking
from contract.exposition import ProcessRegistry, answering
from contract.lag import watching_lag
from contract.ledger import Ledger
from contract.settings import Deployment, Workload
from workers.alone import Alone
from workers.queue import SAFETY_POLL, Handlers, LedgerWorker
from workers.reconciler import Reconciler
from workers.render import clean_up, render_video, withdraw
from workers.tools import open_tools

SANDBOXES = 2
"""Warm processes per worker: a document that holds one up leaves the other."""


async def main(deployment: Deployment, workload: Workload) -> None:
    def children() -> list[int]:
        return [*tools.sandbox.pids, *alone.pids]

    registry = ProcessRegistry(children)  # whom it asks at a scrape, and by then they are there
    metrics = WorkerMetrics(registry)
    name = deployment.worker_name or f"{socket.gethostname()}-{os.getpid()}"
    bound = deployment.redis_timeout
    async with contextlib.AsyncExitStack() as stack:
        tools = await stack.enter_async_context(open_tools(deployment, workload, metrics, SANDBOXES))
        alone = Alone(tools)
        redis = await stack.enter_async_context(connect(deployment.redis_url, bound))
        blocking = await stack.enter_async_context(connect_blocking(deployment.redis_url, SAFETY_POLL, bound))
        ledger = Ledger(redis)
        worker = LedgerWorker(
            name=name,
            handlers=Handlers(
                render=functools.partial(render_video, tools),
                render_alone=alone.render,
                clean_up=functools.partial(clean_up, tools),
                withdraw=functools.partial(withdraw, tools),
            ),
            ledger=ledger,
            arq_redis=ArqRedis(ConnectionPool.from_url(deployment.redis_url)),
            blocking=blocking,
            workload=workload,
            metrics=metrics,
        )
        reconciler = Reconciler(ledger, tools.data, deployment.retention, metrics)
        await stack.enter_async_context(reconciler.sweeping())
        await stack.enter_async_context(watching_lag(registry.process.lag_seconds))
        stack.enter_context(answering(registry, deployment.host, deployment.port))
        try:
            await worker.async_run()
        except asyncio.CancelledError:
            logging.getLogger(__name__).info("worker %s stopped", name)
        finally:
            await worker.close()


if __name__ == "__main__":
    settings = Deployment()
    logging.basicConfig(level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    uvloop.run(main(settings, Workload()))
