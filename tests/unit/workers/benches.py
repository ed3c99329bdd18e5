"""A worker of the queue discipline on a real Redis, with renders that do as each test says."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from arq.connections import ArqRedis
from prometheus_client import CollectorRegistry
from redis.asyncio import ConnectionPool

from contract import keys
from contract.catalogue import WorkerMetrics
from contract.connections import connect, connect_blocking
from contract.jobs import DocumentInfo, Job, JobOptions, JobRequest, Outcome, Status, Timings
from contract.jobs import new_job_id as new_id
from contract.ledger import Claim, Ending, Ledger
from contract.records import Records
from contract.settings import Workload
from workers.pipeline import Report
from workers.queue import SAFETY_POLL, Handlers, LedgerWorker, Render

REQUEST = JobRequest(document=DocumentInfo(name="a.pdf", bytes=1, sha256="0" * 64), options=JobOptions())
NEVER = 100.0
"""Seconds between renewals, or of a lease, that no test lives to see."""


async def completed(_claim: Claim, _report: Report) -> Ending:
    return Ending(Outcome.COMPLETED, Timings(), seconds=1.0, bytes=1)


async def for_ever(_claim: Claim, _report: Report) -> Ending:
    await asyncio.Event().wait()
    raise AssertionError


@dataclass
class Bench:
    """A running worker and all that its doings can be seen in."""

    worker: LedgerWorker
    ledger: Ledger
    registry: CollectorRegistry
    cleaned: list[str] = field(default_factory=list)
    running: asyncio.Task[None] | None = None

    @property
    def records(self) -> Records:
        return Records(self.ledger.redis)

    async def submit(self) -> str:
        return (await self.ledger.accept(new_id(), REQUEST)).job_id

    async def job(self, job_id: str) -> Job:
        job = await self.records.job(job_id)
        assert job
        return job

    async def reaches(self, job_id: str, *wanted: Status, bound: float = 5) -> Job:
        async with asyncio.timeout(bound):
            while (job := await self.job(job_id)).status not in wanted:  # noqa: ASYNC110 - the state is in Redis
                await asyncio.sleep(0.005)
        return job

    async def ends(self, job_id: str, bound: float = 5) -> Job:
        job = await self.reaches(job_id, Status.COMPLETED, Status.FAILED, Status.CANCELLED, bound=bound)
        await until(lambda: not self.worker.tasks)
        return job

    def metric(self, name: str, **labels: str) -> float:
        value = self.registry.get_sample_value(name, labels)
        assert value is not None
        return value

    async def totals(self) -> dict[str, int]:
        """Of the ledger, without the zeros."""
        return {name: value for name, value in (await self.records.totals()).items() if value}

    async def runs(self, job_id: str, execution: int) -> None:
        async with asyncio.timeout(5):
            while (await self.job(job_id)).executions < execution:  # noqa: ASYNC110 - the state is in Redis
                await asyncio.sleep(0.005)

    async def listens(self) -> None:
        """Until the worker hears of cancellations, and has looked for those that it missed before."""
        async with asyncio.timeout(5):
            while not await self.ledger.redis.publish(keys.CANCELS, "nobody"):  # noqa: ASYNC110 - Redis tells nobody
                await asyncio.sleep(0.005)
        await until(lambda: "nobody" in self.worker._leases._heard)

    async def expire(self, job_id: str) -> None:
        """The ledger believes that the job's worker is dead."""
        await self.ledger.redis.zadd(keys.LEASES, {job_id: 0})


async def until(condition: Callable[[], bool], bound: float = 5) -> None:
    async with asyncio.timeout(bound):
        while not condition():  # noqa: ASYNC110 - the conditions are states of foreign objects
            await asyncio.sleep(0.005)


@asynccontextmanager
async def working(url: str, render: Render, alone: Render | None = None, **settings: float) -> AsyncIterator[Bench]:
    registry = CollectorRegistry()
    workload = Workload().model_copy(update={"slots": 4, **settings})
    cleaned: list[str] = []
    withdrawn: list[str] = []

    async def clean_up(claim: Claim) -> None:
        cleaned.append(claim.job_id)

    async def withdraw(claim: Claim) -> None:
        withdrawn.append(claim.token)

    async with connect(url, 2) as redis, connect_blocking(url, SAFETY_POLL, 2) as blocking:
        worker = LedgerWorker(
            name="bench",
            handlers=Handlers(render=render, render_alone=alone or render, clean_up=clean_up, withdraw=withdraw),
            ledger=Ledger(redis),
            arq_redis=ArqRedis(ConnectionPool.from_url(url)),
            blocking=blocking,
            workload=workload,
            metrics=WorkerMetrics(registry),
        )
        bench = Bench(worker, worker._ledger, registry, cleaned)
        bench.running = asyncio.create_task(worker.async_run())
        await until(lambda: worker.main_task is not None)
        try:
            await bench.listens()
            yield bench
        finally:
            worker.handle_sig(signal.SIGTERM)
            await asyncio.wait([bench.running])
            await worker.close()
            for number in (signal.SIGINT, signal.SIGTERM):  # arq put its handlers into the loop of all tests
                worker.loop.remove_signal_handler(number)
