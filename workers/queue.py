"""The queue discipline: arq's worker with our ledger in the place of its keys. The one module that knows arq.

arq gives the life of a worker: slots, registered functions, signals, shutdown. Where it falls short (half a second of
polling, leases that last the longest timeout and have no owner) this subclass puts the ledger's claim, lease renewal
and fenced finish. It overrides private methods of arq 0.28, which is in maintenance only and therefore pinned.
"""

import asyncio
import contextlib
import logging
import secrets
import time
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from arq.connections import ArqRedis
from arq.worker import Worker, func
from redis.asyncio import Redis

from contract import keys
from contract.catalogue import WorkerMetrics
from contract.connections import REDIS_DOWN
from contract.jobs import Outcome, Stage, Timings
from contract.ledger import RENDER, Claim, Ending, Ledger, Standing
from contract.settings import Plant, Workload
from workers.pipeline import Report

log = logging.getLogger(__name__)

Render = Callable[[Claim, Report], Awaitable[Ending]]

CleanUp = Callable[[Claim], Awaitable[None]]
"""Called once the ledger has accepted an ending: removes what the job needs no more."""

SAFETY_POLL = 0.5
"""Seconds after which an idle worker looks into the queue even if nobody woke it."""
PLANTED_SKIP = '/measure/3"'
"""How the request of the job ends its seed key that a planted defect leaves uncounted."""
DRAIN = 20.0
"""Seconds that running jobs get to end by themselves after SIGTERM; then they are handed back."""


class LedgerWorker(Worker):
    """Runs claimed jobs; each execution holds its lease until it finishes, is handed back or loses it."""

    def __init__(
        self,
        name: str,
        render: Render,
        clean_up: CleanUp,
        ledger: Ledger,
        arq_redis: ArqRedis,
        blocking: Redis,
        workload: Workload,
        metrics: WorkerMetrics,
    ) -> None:
        async def run_function(ctx: dict[Any, Any], *args: Any, **kwargs: Any) -> Ending:  # noqa: ANN401, ARG001 - arq sets the shape
            return await render(*args)

        super().__init__(
            functions=[func(run_function, name=RENDER, timeout=workload.job_deadline)],
            queue_name=keys.QUEUE,
            redis_pool=arq_redis,
            max_jobs=workload.slots,
            job_completion_wait=int(DRAIN),
            job_serializer=orjson.dumps,
            job_deserializer=orjson.loads,
            health_check_key=f"{keys.PREFIX}health:{name}",
        )
        self.name = name
        self._clean_up = clean_up
        self._ledger = ledger
        self._blocking = blocking
        self._workload = workload
        self._metrics = metrics
        self._held: dict[str, str] = {}
        """Execution token of each running job."""
        self._verdicts: dict[str, Standing] = {}
        """Why a running job was stopped, when the ledger said so."""
        self._slot_freed = asyncio.Event()
        metrics.slots.set(workload.slots)

    async def main(self) -> None:
        """Arq's loop, waiting for a wake-up instead of sleeping between polls."""
        renewal = asyncio.create_task(self._renew_for_ever())
        try:
            while True:
                try:
                    await self._poll_iteration()
                except REDIS_DOWN as error:
                    log.warning("the ledger does not answer (%s); trying again", error)
                    await asyncio.sleep(SAFETY_POLL)
        finally:
            renewal.cancel()

    async def _poll_iteration(self) -> None:
        """Claims as many jobs as there are free slots; with the queue empty, waits to be woken."""
        if not self.allow_pick_jobs:
            await asyncio.sleep(SAFETY_POLL)  # shutting down; arq's signal handler ends this loop
            return
        free = self.max_jobs - len(self.tasks)
        if free <= 0:
            self._slot_freed.clear()
            await self._slot_freed.wait()
            return
        claims = await self._ledger.claim(self.name, self._workload.lease, free, f"{secrets.token_hex(6)}-")
        for claim in claims:
            self._start(claim)
        if len(claims) < free:
            await self._ledger.wait_for_work(self._blocking, SAFETY_POLL)

    def _start(self, claim: Claim) -> None:
        self._held[claim.job_id] = claim.token
        task = self.loop.create_task(self._execute(claim))
        self.tasks[claim.job_id] = task
        self._metrics.slots_used.set(len(self.tasks))
        task.add_done_callback(lambda done: self._end(claim.job_id, done))

    def _end(self, job_id: str, done: asyncio.Task[None]) -> None:
        self.tasks.pop(job_id, None)
        self._held.pop(job_id, None)
        self._verdicts.pop(job_id, None)
        self._metrics.slots_used.set(len(self.tasks))
        self._slot_freed.set()
        if not done.cancelled() and (error := done.exception()):
            log.error("execution of %s left its lease to run out", job_id, exc_info=error)

    async def _execute(self, claim: Claim) -> None:
        began = time.perf_counter()
        if claim.execution == 1:
            self._metrics.queue_seconds.observe(claim.started_at - claim.created_at)

        async def report(stage: Stage, progress: int) -> None:
            with contextlib.suppress(*REDIS_DOWN):  # progress is a courtesy; the lease decides
                self._heed(claim.job_id, await self._ledger.advance(claim.job_id, claim.token, stage, progress))

        try:
            function = self.functions[claim.function]
            ending: Ending = await function.coroutine(self.ctx, claim, report)
        except asyncio.CancelledError:
            verdict = self._verdicts.get(claim.job_id)
            if verdict is Standing.LOST:
                self._metrics.lost.inc()
                return
            if verdict is None:  # this worker stops
                await self._ledger.hand_back(claim.job_id, claim.token)
                self._metrics.handed_back.inc()
                return
            ending = Ending(Outcome.CANCELLED, Timings())
        if await self._ledger.finish(claim.job_id, claim.token, ending):
            self._count(claim, ending, claim.started_at - claim.created_at + time.perf_counter() - began)
            await self._clean_up(claim)
        else:
            self._metrics.lost.inc()

    def _count(self, claim: Claim, ending: Ending, seconds: float) -> None:
        if self._workload.plant is Plant.SKIP_JOB_COUNT and PLANTED_SKIP in claim.request:
            return
        self._metrics.executions.labels(ending.outcome).inc()
        self._metrics.job_seconds.observe(seconds)

    async def _renew_for_ever(self) -> None:
        """A task of its own, so that a slow poll cannot starve the leases."""
        while True:
            await asyncio.sleep(self._workload.renew_every)
            held = dict(self._held)
            if not held:
                continue
            try:
                standings = await self._ledger.renew(self._workload.lease, held)
            except REDIS_DOWN as error:
                log.warning("leases could not be renewed (%s)", error)
                continue
            for job_id, standing in standings.items():
                if self._held.get(job_id) == held[job_id]:
                    self._heed(job_id, standing)

    def _heed(self, job_id: str, standing: Standing) -> None:
        """Stops an execution that is no longer wanted."""
        task = self.tasks.get(job_id)
        if standing is not Standing.CURRENT and task is not None and job_id not in self._verdicts:
            self._verdicts[job_id] = standing
            task.cancel()
