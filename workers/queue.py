"""The queue discipline: arq's worker with our ledger in the place of its keys. The one module that knows arq.

arq gives the life of a worker: slots, registered functions, signals, shutdown. Where it falls short (half a second of
polling, leases that last the longest timeout and have no owner) this subclass puts the ledger's claim, lease renewal
and fenced finish. It overrides private methods of arq 0.28, which is in maintenance only and therefore pinned.
"""

import asyncio
import contextlib
import logging
import secrets
import signal
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import orjson
from arq.connections import ArqRedis
from arq.worker import Worker, func
from redis.asyncio import Redis

from contract import keys
from contract.catalogue import WorkerMetrics
from contract.connections import REDIS_DOWN
from contract.jobs import ErrorCode, JobError, Outcome, Stage, Timings
from contract.ledger import RENDER, Claim, Ending, Ledger, Standing
from contract.settings import Plant, Workload
from workers.pipeline import Report

log = logging.getLogger(__name__)

Render = Callable[[Claim, Report], Awaitable[Ending]]

CleanUp = Callable[[Claim], Awaitable[None]]
"""`clean_up` is called once the ledger has accepted an ending and removes what the job needs no more; `withdraw` when
it has refused one, and removes what that execution made."""

SAFETY_POLL = 0.5
"""Seconds after which an idle worker looks into the queue even if nobody woke it."""
PLANTED_SKIP = '/measure/3"'
"""How the request of the job ends its seed key that a planted defect leaves uncounted."""
DRAIN = 20.0
"""Seconds that running jobs get to end by themselves after SIGTERM; then they are handed back."""


def _cancelled() -> bool:
    """Whether the running task was cancelled, even if the cancellation was lost on its way.

    redis-py sends through `asyncio.wait_for`, which on Python 3.11 swallows one that comes as the sending ends.
    """
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


@dataclass(slots=True, eq=False)
class _Execution:
    claim: Claim
    render: asyncio.Task[Ending] = field(init=False)
    verdict: Standing | None = None
    """Why it was stopped, when the ledger said so."""


class LedgerWorker(Worker):
    """Runs claimed jobs; each execution holds its lease until it finishes, is handed back or loses it."""

    def __init__(
        self,
        name: str,
        render: Render,
        clean_up: CleanUp,
        withdraw: CleanUp,
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
        self._withdraw = withdraw
        self._ledger = ledger
        self._blocking = blocking
        self._workload = workload
        self._metrics = metrics
        self._held: dict[str, _Execution] = {}
        """The execution that this worker believes current, by job id."""
        self._endings: set[asyncio.Task[None]] = set()
        self._slot_freed = asyncio.Event()
        self._queue_empty = False
        """Whether the last claim left nothing that is due."""
        self._waiting: asyncio.Future[list[Claim]] | None = None
        metrics.slots.set(workload.slots)

    async def main(self) -> None:
        """Arq's loop, waiting for a wake-up instead of sleeping between polls."""
        async with asyncio.TaskGroup() as group:  # a worker that cannot renew must not go on claiming
            group.create_task(self._renew_for_ever())
            while not _cancelled():
                try:
                    await self._poll_iteration()
                except REDIS_DOWN as error:
                    log.warning("the ledger does not answer (%s); trying again", error)
                    await asyncio.sleep(SAFETY_POLL)
            raise asyncio.CancelledError

    async def close(self) -> None:
        """Returns when every execution has ended or was handed back. Takes arq's place: its health key is never set."""
        await asyncio.gather(*self._endings)
        await self.pool.aclose(close_connection_pool=True)

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
        args = (self.name, self._workload.lease, free, f"{secrets.token_hex(6)}-")
        claims = await (self._claim_when_woken(*args) if self._queue_empty else self._ledger.claim(*args))
        self._queue_empty = len(claims) < free
        for claim in claims:
            self._start(claim)

    async def _claim_when_woken(self, *args: Any) -> list[Claim]:  # noqa: ANN401 - the ledger knows their types
        self._waiting = asyncio.ensure_future(self._ledger.claim_when_woken(self._blocking, SAFETY_POLL, *args))
        try:
            return await self._waiting
        except asyncio.CancelledError:
            if _cancelled():
                raise
            return []  # the worker stops

    def handle_sig_wait_for_completion(self, signum: signal.Signals) -> None:
        """A stopping worker must not go on waiting for work: Redis would hand it some."""
        super().handle_sig_wait_for_completion(signum)
        if self._waiting is not None:
            self._waiting.cancel()

    def _start(self, claim: Claim) -> None:
        if outdated := self._held.get(claim.job_id):
            self._heed(outdated, Standing.LOST)
        execution = _Execution(claim)
        execution.render = self.loop.create_task(self._render(execution))
        self._held[claim.job_id] = execution
        self.tasks[claim.token] = execution.render
        self._metrics.slots_used.set(len(self.tasks))
        ending = self.loop.create_task(self._bring_to_an_end(execution))
        self._endings.add(ending)
        ending.add_done_callback(self._endings.discard)

    async def _render(self, execution: _Execution) -> Ending:
        """What arq's signal handler and `_heed` may cancel."""
        claim = execution.claim

        async def report(stage: Stage, progress: int) -> None:
            with contextlib.suppress(*REDIS_DOWN):  # progress is a courtesy; the lease decides
                advance = self._ledger.advance(claim.job_id, claim.token, stage, progress)
                self._heed(execution, await asyncio.shield(advance))  # `_cancelled` says why

        ending: Ending = await self.functions[claim.function].coroutine(self.ctx, claim, report)
        return ending

    async def _bring_to_an_end(self, execution: _Execution) -> None:
        """Tells the ledger how an execution ended. Nothing cancels it, so that no job is left between two states."""
        claim = execution.claim
        began = time.perf_counter()
        if claim.execution == 1:
            self._metrics.queue_seconds.observe(claim.started_at - claim.created_at)
        try:
            ending = await self._ending(execution)
            if ending is None:
                return
            if await self._finish(execution, ending):
                self._count(claim, ending, claim.started_at - claim.created_at + time.perf_counter() - began)
                await self._clean_up(claim)
            else:
                self._metrics.lost.inc()
                await self._withdraw(claim)
        except REDIS_DOWN as error:
            log.warning("the end of %s is not in the ledger (%s); its lease runs out", claim.job_id, error)
        except Exception:
            log.exception("something went wrong at the end of an execution of %s", claim.job_id)
        finally:
            if self._held.get(claim.job_id) is execution:
                del self._held[claim.job_id]
            del self.tasks[claim.token]
            self._metrics.slots_used.set(len(self.tasks))
            self._slot_freed.set()

    async def _finish(self, execution: _Execution, ending: Ending) -> bool:
        """Tries as long as the lease can be held: work that is done is not thrown away for a short outage."""
        claim = execution.claim
        until = time.monotonic() + self._workload.lease
        while True:
            try:
                return await self._ledger.finish(claim.job_id, claim.token, ending)
            except REDIS_DOWN:
                if time.monotonic() > until or self._held.get(claim.job_id) is not execution:
                    raise
                await asyncio.sleep(SAFETY_POLL)

    async def _ending(self, execution: _Execution) -> Ending | None:
        """None when the job goes on elsewhere."""
        claim = execution.claim
        await asyncio.wait([execution.render])
        if not execution.render.cancelled():
            error = execution.render.exception()
            if error is None:
                return execution.render.result()
            log.error("job %s broke its worker's own code", claim.job_id, exc_info=error)
            return Ending(
                Outcome.FAILED,
                Timings(),
                error=JobError(code=ErrorCode.INTERNAL, message="The job failed here; the worker's log says why."),
            )
        if execution.verdict is Standing.CANCEL:
            return Ending(Outcome.CANCELLED, Timings())
        stopping = execution.verdict is None  # nobody but this worker's own shutdown wants the execution to end
        if stopping and await self._ledger.hand_back(claim.job_id, claim.token):
            self._metrics.handed_back.inc()
        else:
            self._metrics.lost.inc()
        return None

    def _count(self, claim: Claim, ending: Ending, seconds: float) -> None:
        if Plant.SKIP_JOB_COUNT in self._workload.plant and PLANTED_SKIP in claim.request:
            return
        self._metrics.executions.labels(ending.outcome).inc()
        if ending.error is not None:
            log.warning("job %s failed (%s): %s", claim.job_id, ending.error.code, ending.error.message)
        self._metrics.job_seconds.observe(seconds)

    async def _renew_for_ever(self) -> None:
        """A task of its own, so that a slow poll cannot starve the leases."""
        while not _cancelled():
            await asyncio.sleep(self._workload.renew_every)
            held = dict(self._held)
            if not held:
                continue
            tokens = {job_id: execution.claim.token for job_id, execution in held.items()}
            try:
                standings = await self._ledger.renew(self._workload.lease, tokens)
            except REDIS_DOWN as error:
                log.warning("leases could not be renewed (%s)", error)
                continue
            for job_id, standing in standings.items():
                self._heed(held[job_id], standing)

    @staticmethod
    def _heed(execution: _Execution, standing: Standing) -> None:
        """Stops an execution that is no longer wanted."""
        if standing is not Standing.CURRENT and execution.verdict is None and execution.render.cancel():
            execution.verdict = standing
