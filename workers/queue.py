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
from dataclasses import dataclass
from typing import Any, TypeVar

import orjson
from arq.connections import ArqRedis
from arq.worker import Worker, func
from redis.asyncio import Redis

from contract import keys
from contract.cancellation import was_cancelled
from contract.catalogue import WorkerMetrics
from contract.connections import REDIS_DOWN
from contract.jobs import ErrorCode, JobError, Outcome, Stage, Timings
from contract.ledger import RENDER, Claim, Ending, Ledger, Order, Standing, UnknownJobError
from contract.settings import Plant, Workload
from workers.leases import RETRY_DELAY, Execution, Leases
from workers.pipeline import Report

log = logging.getLogger(__name__)

T = TypeVar("T")
Render = Callable[[Claim, Report], Awaitable[Ending]]
CleanUp = Callable[[Claim], Awaitable[None]]

SUSPECTS_AT_ONCE = 2
"""Of the jobs that run alone, each in a process as large as a worker and busy for a second before it can begin."""
SAFETY_POLL = 0.5
"""Seconds after which an idle worker looks into the queue even if nobody woke it."""
PLANTED_SKIP = '/measure/3"'
"""How the request of the job ends its seed key that a planted defect leaves uncounted."""
DRAIN = 20.0
"""Seconds that running jobs get to end by themselves after SIGTERM; then they are handed back."""
OFFER_BOUND = 60.0
"""Seconds for which the end of an execution is offered to a ledger that is away: work that is done is not thrown away,
and a late offer harms nobody, since the ledger refuses what is out of date."""
FIRST_DELAY = 0.5
"""Seconds until a job that failed for a reason of ours is tried again; doubles each time."""


@dataclass(frozen=True, slots=True)
class Handlers:
    """What a worker does with a job. None of them may raise anything that kills it: it would be logged, no more."""

    render: Render
    render_alone: Render
    """Likewise, in a process of its own, for a job that may have killed the one it ran in."""
    clean_up: CleanUp
    """Once the ledger has accepted an ending: removes what the job needs no more."""
    withdraw: CleanUp
    """When the ledger has refused an ending: removes what that execution made."""


class LedgerWorker(Worker):
    """Runs claimed jobs; each execution holds its lease until it finishes, is handed back or loses it."""

    def __init__(
        self,
        name: str,
        handlers: Handlers,
        ledger: Ledger,
        arq_redis: ArqRedis,
        blocking: Redis,
        workload: Workload,
        metrics: WorkerMetrics,
    ) -> None:
        """`blocking` is a client for waiting and listening, which must not repeat commands by itself."""

        async def run_function(ctx: dict[Any, Any], claim: Claim, report: Report) -> Ending:  # noqa: ARG001 - arq's
            return await (handlers.render_alone if self._is_suspect(claim) else handlers.render)(claim, report)

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
        self._handlers = handlers
        self._ledger = ledger
        self._blocking = blocking
        self._workload = workload
        self._metrics = metrics
        self._leases = Leases(ledger, workload)
        self._endings: set[asyncio.Task[None]] = set()
        self._slot_freed = asyncio.Event()
        self._queue_empty = False
        """Whether the last claim left nothing that is due."""
        self._unanswered: str | None = None
        """The token prefix of a claim whose answer has not come: Redis may have handed out jobs under it."""
        self._waiting: asyncio.Future[list[Claim]] | None = None
        self._suspects = 0
        """How many of the jobs it runs are suspected of killing their workers."""
        metrics.slots.set(workload.slots)

    async def main(self) -> None:
        """Arq's loop, waiting for a wake-up instead of sleeping between polls."""
        if abandoned := await self._offered(
            lambda: self._ledger.abandon(self.name, self._workload.suspect_after, self._workload.most_crashes),
            float("inf"),
        ):
            log.warning("%d jobs of an earlier worker %s, which died, are in the queue again", abandoned, self.name)
        async with asyncio.TaskGroup() as group:  # a worker that cannot renew must not go on claiming
            group.create_task(self._leases.renew_for_ever())
            group.create_task(self._leases.heed_cancellations(self._blocking, beat=self._workload.renew_every))
            while not was_cancelled():
                try:
                    await self._poll_iteration()
                except REDIS_DOWN as error:
                    log.warning("the ledger does not answer (%s); trying again", error)
                    await asyncio.sleep(RETRY_DELAY)
            raise asyncio.CancelledError

    async def close(self) -> None:
        """Returns when every execution has ended or was handed back. Takes arq's place: its health key is never set."""
        try:
            await self._give_back_unanswered()
        except REDIS_DOWN as error:
            log.warning("what the last claim may have handed out is left to its lease (%s)", error)
        await asyncio.gather(*self._endings)
        await self.pool.aclose(close_connection_pool=True)

    async def _poll_iteration(self) -> None:
        """Claims as many jobs as there are free slots; with the queue empty, waits to be woken."""
        if not self.allow_pick_jobs:
            await self._give_back_unanswered()  # before the drain, which may outlast a lease
            await asyncio.sleep(SAFETY_POLL)  # shutting down; arq's signal handler ends this loop
            return
        free = self.max_jobs - len(self.tasks)
        if free <= 0:
            self._slot_freed.clear()
            await self._slot_freed.wait()
            return
        began = self.loop.time()
        claims = await self._claim(free)
        self._queue_empty = len(claims) < free
        for claim in claims:
            self._start(claim, began + self._workload.lease)

    async def _claim(self, limit: int) -> list[Claim]:
        self._unanswered = self._unanswered or f"{secrets.token_hex(6)}-"
        order = self._order(limit, self._unanswered)
        if not self._queue_empty:
            claims = await self._ledger.claim(order)
        else:
            self._waiting = asyncio.ensure_future(self._awaited(order))
            try:
                claims = await self._waiting
            except asyncio.CancelledError:
                if was_cancelled():
                    raise
                return []  # the worker stops
        self._unanswered = None
        return claims

    async def _awaited(self, order: Order) -> list[Claim]:
        if self._workload.wake_up:
            return await self._ledger.claim_when_woken(self._blocking, SAFETY_POLL, order)
        await asyncio.sleep(SAFETY_POLL)
        return await self._ledger.claim(order)

    def _order(self, limit: int, token_prefix: str) -> Order:
        workload = self._workload
        return Order(
            worker=self.name,
            lease=workload.lease,
            limit=limit,
            token_prefix=token_prefix,
            suspects=SUSPECTS_AT_ONCE - self._suspects,
            suspect_after=workload.suspect_after,
            most_crashes=workload.most_crashes,
        )

    def _is_suspect(self, claim: Claim) -> bool:
        return claim.crashes >= self._workload.suspect_after

    async def _give_back_unanswered(self) -> None:
        if self._unanswered is None:
            return
        for claim in await self._ledger.claim(self._order(0, self._unanswered)):
            if await self._ledger.hand_back(claim.job_id, claim.token):
                self._metrics.handed_back.inc()
        self._unanswered = None

    def handle_sig_wait_for_completion(self, signum: signal.Signals) -> None:
        """A stopping worker must not go on waiting for work: Redis would hand it some."""
        super().handle_sig_wait_for_completion(signum)
        if self._waiting is not None:
            self._waiting.cancel()

    def _start(self, claim: Claim, held_until: float) -> None:
        execution = Execution(claim, held_until, self._render)
        self._leases.add(execution)
        self.tasks[claim.token] = execution.render
        self._suspects += self._is_suspect(claim)
        self._metrics.slots_used.set(len(self.tasks))
        ending = self.loop.create_task(self._bring_to_an_end(execution))
        self._endings.add(ending)
        ending.add_done_callback(self._endings.discard)

    async def _render(self, execution: Execution) -> Ending:
        """What arq's signal handler and `heed` may cancel."""
        claim = execution.claim

        async def report(stage: Stage, progress: int) -> None:
            with contextlib.suppress(*REDIS_DOWN):  # progress is a courtesy; the lease decides
                advance = self._ledger.advance(claim.job_id, claim.token, stage, progress)
                execution.heed(await asyncio.shield(advance))  # `was_cancelled` says why

        ending: Ending = await self.functions[claim.function].coroutine(self.ctx, claim, report)
        return ending

    async def _bring_to_an_end(self, execution: Execution) -> None:
        """Tells the ledger how an execution ended. Nothing cancels it, so that no job is left between two states."""
        claim = execution.claim
        began = time.perf_counter()
        if claim.execution == 1:
            self._metrics.queue_seconds.observe(claim.started_at - claim.created_at)
        try:
            ending = await self._ending(execution)
            if ending is None:
                return
            if self._worth_another(claim, ending):
                await self._try_again(claim, ending)
            elif await self._offered(lambda: self._ledger.finish(claim.job_id, claim.token, ending)):
                self._count(claim, ending, claim.started_at - claim.created_at + time.perf_counter() - began)
                await self._handlers.clean_up(claim)
            else:
                self._metrics.lost.inc()
                await self._handlers.withdraw(claim)
        except UnknownJobError as error:
            log.error("%s", error)  # noqa: TRY400 - where it happened says nothing
            await self._handlers.withdraw(claim)
        except REDIS_DOWN as error:
            log.warning("the end of %s is not in the ledger (%s); its lease runs out", claim.job_id, error)
        except Exception:
            log.exception("something went wrong at the end of an execution of %s", claim.job_id)
        finally:
            self._leases.remove(execution)
            del self.tasks[claim.token]
            self._suspects -= self._is_suspect(claim)
            self._metrics.slots_used.set(len(self.tasks))
            self._slot_freed.set()

    def _worth_another(self, claim: Claim, ending: Ending) -> bool:
        """Whether what broke our own code may have been of the moment; other errors were tried where they arose."""
        failed = ending.error is not None and ending.error.code is ErrorCode.INTERNAL
        return failed and claim.errors + 1 < self._workload.job_attempts

    async def _try_again(self, claim: Claim, ending: Ending) -> None:
        delay = FIRST_DELAY * 2**claim.errors
        if await self._offered(lambda: self._ledger.try_again(claim.job_id, claim.token, delay)):
            assert ending.error
            log.warning("job %s is tried again in %g s: %s", claim.job_id, delay, ending.error.message)
            self._metrics.tried_again.inc()
        else:
            self._metrics.lost.inc()

    async def _offered(self, transition: Callable[[], Awaitable[T]], bound: float = OFFER_BOUND) -> T:
        """Tries until the ledger answers. Raises one of REDIS_DOWN after `bound` seconds."""
        until = self.loop.time() + bound
        while True:
            try:
                return await transition()
            except REDIS_DOWN as error:
                if self.loop.time() > until or was_cancelled():
                    raise
                log.warning("the ledger does not answer (%s); trying again", error)
                await asyncio.sleep(RETRY_DELAY)

    async def _ending(self, execution: Execution) -> Ending | None:
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
        self._metrics.fenced.inc(execution.fenced)
        by_worker = execution.verdict is None or execution.fenced  # it stops, or could not renew
        if by_worker and await self._offered(lambda: self._ledger.hand_back(claim.job_id, claim.token)):
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
