"""Our queue: `produce URL`, or `work URL SLOTS [reporting]`: then a job reports its stages as a real one does."""

import asyncio
import contextlib
import sys

import uvloop
from arq.connections import ArqRedis
from redis.asyncio import ConnectionPool

from bench.programs import roles
from contract.catalogue import WorkerMetrics
from contract.connections import connect, connect_blocking
from contract.exposition import ProcessRegistry
from contract.jobs import DocumentInfo, JobOptions, JobRequest, Outcome, Timings, new_job_id
from contract.ledger import Claim, Ending, Ledger
from contract.settings import Deployment, Workload
from workers.pipeline import PIPELINE, Report
from workers.queue import SAFETY_POLL, Handlers, LedgerWorker

REQUEST = JobRequest(document=DocumentInfo(name="paper.pdf", bytes=1, sha256="0" * 64), options=JobOptions())


async def produce(url: str) -> None:
    async with connect(url, Deployment().redis_timeout) as redis:
        ledger = Ledger(redis)
        await roles.produce(lambda: ledger.accept(new_job_id(), REQUEST))


async def work(url: str, slots: str, reporting: str = "") -> None:
    reports = [(step.stage, step.progress) for step in PIPELINE if reporting and step.progress is not None]

    async def render(_: Claim, report: Report) -> Ending:
        roles.began()
        for stage, progress in reports:
            await report(stage, progress)
        return Ending(Outcome.COMPLETED, Timings())

    async def nothing(_: Claim) -> None:
        pass

    bound = Deployment().redis_timeout
    async with connect(url, bound) as redis, connect_blocking(url, SAFETY_POLL, bound) as blocking:
        worker = LedgerWorker(
            name="bench",
            handlers=Handlers(render=render, render_alone=render, clean_up=nothing, withdraw=nothing),
            ledger=Ledger(redis),
            arq_redis=ArqRedis(ConnectionPool.from_url(url)),
            blocking=blocking,
            workload=Workload(slots=int(slots)),
            metrics=WorkerMetrics(ProcessRegistry()),
        )
        try:
            with contextlib.suppress(asyncio.CancelledError):
                await worker.async_run()
        finally:
            await worker.close()


if __name__ == "__main__":
    role, *arguments = sys.argv[1:]
    uvloop.run(produce(*arguments) if role == "produce" else work(*arguments))
