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

from contract.artifacts import DataFolder
from contract.calls import Provider
from contract.catalogue import WorkerMetrics
from contract.connections import connect, connect_blocking
from contract.exposition import ProcessRegistry, answering
from contract.ledger import Ledger
from contract.settings import Deployment, Workload
from workers.providers.http import Caller, session
from workers.queue import SAFETY_POLL, LedgerWorker
from workers.render import clean_up, render_video, withdraw
from workers.sandbox.pool import Sandbox
from workers.tools import Tools

SANDBOXES = 2
"""Warm processes per worker: a document that holds one up leaves the other."""


async def main(deployment: Deployment, workload: Workload) -> None:
    registry = ProcessRegistry()
    metrics = WorkerMetrics(registry)
    data = DataFolder(deployment.data_dir)
    data.create()
    name = deployment.worker_name or f"{socket.gethostname()}-{os.getpid()}"
    bound = deployment.redis_timeout
    async with contextlib.AsyncExitStack() as stack:
        sandbox = await stack.enter_async_context(Sandbox(SANDBOXES, workload.sandbox_memory_bytes).running())
        http = await stack.enter_async_context(session())
        redis = await stack.enter_async_context(connect(deployment.redis_url, bound))
        blocking = await stack.enter_async_context(connect_blocking(deployment.redis_url, SAFETY_POLL, bound))

        def caller(provider: Provider, url: str) -> Caller:
            return Caller(http, provider, url, deployment.provider_api_key, workload.call_timeout, metrics)

        tools = Tools(
            workload=workload,
            data=data,
            sandbox=sandbox,
            llm=caller(Provider.LLM, deployment.llm_url),
            tts=caller(Provider.TTS, deployment.tts_url),
            visual=caller(Provider.VISUAL, deployment.visual_url),
            metrics=metrics,
        )
        worker = LedgerWorker(
            name=name,
            render=functools.partial(render_video, tools),
            clean_up=functools.partial(clean_up, tools),
            withdraw=functools.partial(withdraw, tools),
            ledger=Ledger(redis),
            arq_redis=ArqRedis(ConnectionPool.from_url(deployment.redis_url)),
            blocking=blocking,
            workload=workload,
            metrics=metrics,
        )
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
