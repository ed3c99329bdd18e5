"""The queue discipline on a real Redis, with renders that do as each test says."""

import asyncio
import inspect
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from statistics import median
from time import perf_counter

import pytest
from arq.connections import ArqRedis
from arq.worker import Worker
from prometheus_client import CollectorRegistry
from redis.asyncio import ConnectionPool, Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from contract.catalogue import WorkerMetrics
from contract.connections import connect, connect_blocking
from contract.jobs import DocumentInfo, ErrorCode, Job, JobOptions, JobRequest, Outcome, Stage, Status, Timings
from contract.jobs import new_job_id as new_id
from contract.ledger import RENDER, Cancellation, Claim, Ending, Ledger, Standing
from contract.records import Records
from contract.settings import Workload
from workers.pipeline import Report
from workers.queue import SAFETY_POLL, LedgerWorker, Render

REQUEST = JobRequest(document=DocumentInfo(name="a.pdf", bytes=1, sha256="0" * 64), options=JobOptions())
ARQ_POLL = 0.5
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


async def until(condition: Callable[[], bool], bound: float = 5) -> None:
    async with asyncio.timeout(bound):
        while not condition():  # noqa: ASYNC110 - the conditions are states of foreign objects
            await asyncio.sleep(0.005)


@asynccontextmanager
async def working(url: str, render: Render, **settings: float) -> AsyncIterator[Bench]:
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
            render=render,
            clean_up=clean_up,
            withdraw=withdraw,
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
            yield bench
        finally:
            worker.handle_sig(signal.SIGTERM)
            await asyncio.wait([bench.running])
            await worker.close()
            for number in (signal.SIGINT, signal.SIGTERM):  # arq put its handlers into the loop of all tests
                worker.loop.remove_signal_handler(number)


async def test_a_job_is_picked_up_at_once_and_not_at_the_next_poll(redis_url: str) -> None:
    started: list[float] = []

    async def render(claim: Claim, report: Report) -> Ending:
        started.append(perf_counter())
        return await completed(claim, report)

    async with working(redis_url, render) as bench:
        waits = []
        for _ in range(20):
            submitted = perf_counter()
            await bench.ends(await bench.submit())
            waits.append(started[-1] - submitted)
        print(f"picked up after {median(waits) * 1000:.2f} ms (p50), {max(waits) * 1000:.2f} ms (max)")  # noqa: T201
        assert max(waits) < ARQ_POLL * 0.6
        assert bench.metric("t2v_job_queue_seconds_count") == 20


async def test_no_more_jobs_run_at_once_than_there_are_slots(redis_url: str) -> None:
    now = most = 0

    async def render(claim: Claim, report: Report) -> Ending:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.03)
        now -= 1
        return await completed(claim, report)

    async with working(redis_url, render, slots=3) as bench:
        jobs = [await bench.submit() for _ in range(10)]
        for job_id in jobs:
            await bench.reaches(job_id, Status.COMPLETED)
        assert most == 3
        await until(lambda: bench.metric("t2v_worker_slots_used") == 0)
        assert await bench.totals() == {"submitted": 10, "executions": 10, "finished:completed": 10}
        assert sorted(bench.cleaned) == sorted(jobs)


async def test_an_ending_is_in_the_ledger_and_counted(redis_url: str) -> None:
    async with working(redis_url, completed) as bench:
        job = await bench.ends(await bench.submit())
        assert (job.status, job.seconds, job.executions) == (Status.COMPLETED, 1.0, 1)
        assert bench.metric("t2v_worker_executions_total", outcome="completed") == 1
        assert bench.metric("t2v_job_seconds_count") == 1
        assert bench.cleaned == [job.id]


async def test_a_render_that_raises_fails_its_job_at_once_and_nothing_else(redis_url: str) -> None:
    async def render(claim: Claim, report: Report) -> Ending:
        if claim.job_id == bad:
            raise KeyError("a defect of ours")
        return await completed(claim, report)

    async with working(redis_url, render) as bench:
        bad = new_id()
        await bench.ledger.accept(bad, REQUEST)
        failed = await bench.ends(bad, bound=1)
        assert failed.status is Status.FAILED
        assert failed.error
        assert failed.error.code is ErrorCode.INTERNAL
        assert "KeyError" not in failed.error.message
        assert (await bench.ends(await bench.submit())).status is Status.COMPLETED
        assert bench.cleaned[0] == bad


async def test_a_clean_up_that_raises_leaves_the_ending_as_it_is(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def clean_up(_: Claim) -> None:
        raise OSError("disk full")

    async with working(redis_url, completed) as bench:
        monkeypatch.setattr(bench.worker, "_clean_up", clean_up)
        for _ in range(2):
            assert (await bench.ends(await bench.submit())).status is Status.COMPLETED
        assert bench.metric("t2v_worker_slots_used") == 0


async def test_broken_connections_to_redis_do_not_end_the_worker(redis_url: str, redis: Redis) -> None:
    async with working(redis_url, completed) as bench:
        async with asyncio.timeout(5):
            while all(client["cmd"] != "blpop" for client in await redis.client_list()):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        await redis.client_kill_filter(_type="normal", skipme=True)
        assert (await bench.ends(await bench.submit())).status is Status.COMPLETED
        assert bench.running
        assert not bench.running.done()


async def test_a_redis_that_does_not_answer_is_asked_again(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = 0

    async with working(redis_url, completed) as bench:
        real = bench.ledger.claim_when_woken

        async def claim(*args: object) -> list[Claim]:
            nonlocal asked
            asked += 1
            if asked == 1:
                raise RedisConnectionError("away")
            return await real(*args)  # type: ignore[arg-type] # passed on as they are

        monkeypatch.setattr(bench.ledger, "claim_when_woken", claim)
        await until(lambda: asked > 0)
        assert (await bench.ends(await bench.submit())).status is Status.COMPLETED


async def test_a_worker_that_can_no_longer_renew_ends_loudly(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def renew(*_: object) -> None:
        raise ValueError("a defect of ours")

    async with working(redis_url, for_ever, renew_every=0.05) as bench:
        monkeypatch.setattr(bench.ledger, "renew", renew)
        await bench.submit()
        assert bench.running
        await asyncio.wait([bench.running], timeout=5)
        with pytest.raises(ExceptionGroup) as caught:
            bench.running.result()
        assert caught.group_contains(ValueError, match="a defect of ours")


async def test_renewal_keeps_a_job_longer_than_its_lease(redis_url: str) -> None:
    async def render(claim: Claim, report: Report) -> Ending:
        await asyncio.sleep(0.8)
        return await completed(claim, report)

    async with working(redis_url, render, lease=0.3, renew_every=0.05) as bench:
        job = await bench.ends(await bench.submit())
        assert (job.status, job.executions, job.crashes) == (Status.COMPLETED, 1, 0)


async def test_a_finish_after_the_lease_passed_on_is_refused(redis_url: str) -> None:
    go = asyncio.Event()

    async def render(claim: Claim, report: Report) -> Ending:
        await go.wait()
        return await completed(claim, report)

    async with working(redis_url, render, slots=1, lease=0.1, renew_every=NEVER) as bench:
        job_id = await bench.submit()
        await bench.reaches(job_id, Status.IN_PROGRESS)
        thieves: list[Claim] = []
        async with asyncio.timeout(5):
            while not thieves:
                thieves = await bench.ledger.claim("another worker", NEVER, 1, "stolen-")
                await asyncio.sleep(0.02)
        go.set()
        await until(lambda: bench.metric("t2v_worker_lost_leases_total") == 1)
        await until(lambda: not bench.worker.tasks)
        job = await bench.job(job_id)
        assert (job.status, job.executions, job.crashes) == (Status.IN_PROGRESS, 2, 1)
        assert (await bench.totals())["stale_finishes"] == 1
        assert bench.cleaned == []
        assert bench.metric("t2v_worker_executions_total", outcome="completed") == 0
        assert await bench.ledger.finish(job_id, thieves[0].token, Ending(Outcome.COMPLETED, Timings()))


async def test_renewal_stops_an_execution_that_lost_its_lease(redis_url: str) -> None:
    async with working(redis_url, for_ever, slots=1, lease=NEVER, renew_every=0.05) as bench:
        job_id = await bench.submit()
        await bench.reaches(job_id, Status.IN_PROGRESS)
        await bench.ledger.redis.hset(f"t2v:job:{job_id}", "token", "stolen")  # type: ignore[misc] # typed for both kinds of client
        await until(lambda: not bench.worker.tasks)
        assert bench.metric("t2v_worker_lost_leases_total") == 1
        assert (await bench.job(job_id)).status is Status.IN_PROGRESS


async def test_a_worker_that_claims_its_own_lost_job_stops_the_outdated_execution(redis_url: str) -> None:
    stopped = []

    async def render(claim: Claim, report: Report) -> Ending:
        if claim.execution > 1:
            await asyncio.sleep(0.1)
            return await completed(claim, report)
        try:
            return await for_ever(claim, report)
        finally:
            stopped.append(claim.execution)

    async with working(redis_url, render, slots=2, lease=0.2, renew_every=NEVER) as bench:
        job = await bench.ends(await bench.submit())
        assert (job.status, job.executions, job.crashes) == (Status.COMPLETED, 2, 1)
        assert stopped == [1]
        assert bench.metric("t2v_worker_lost_leases_total") == 1
        assert bench.metric("t2v_worker_slots_used") == 0
        assert not bench.worker._held


@pytest.mark.parametrize("by", ["renewal", "report"])
async def test_a_cancelled_job_stops_at_the_next(redis_url: str, by: str) -> None:
    reporting = asyncio.Event()

    async def render(claim: Claim, report: Report) -> Ending:
        await reporting.wait()
        await report(Stage.SCENES, 40)
        return await for_ever(claim, report)

    async with working(redis_url, render, renew_every=0.05 if by == "renewal" else NEVER) as bench:
        job_id = await bench.submit()
        await bench.reaches(job_id, Status.IN_PROGRESS)
        assert await bench.ledger.cancel(job_id) is Cancellation.REQUESTED
        if by == "report":
            reporting.set()
        job = await bench.ends(job_id)
        assert job.status is Status.CANCELLED
        assert bench.cleaned == [job_id]
        assert bench.metric("t2v_worker_executions_total", outcome="cancelled") == 1
        assert await bench.totals() == {"submitted": 1, "executions": 1, "finished:cancelled": 1}


async def test_a_cancellation_that_comes_while_a_job_finishes_changes_nothing(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    finishing = asyncio.Event()

    async with working(redis_url, completed, renew_every=0.05) as bench:
        real = bench.ledger.finish

        async def finish(*args: object) -> bool:
            finishing.set()
            await asyncio.sleep(0.3)
            return await real(*args)  # type: ignore[arg-type] # passed on as they are

        monkeypatch.setattr(bench.ledger, "finish", finish)
        job_id = await bench.submit()
        await finishing.wait()
        await bench.ledger.cancel(job_id)
        assert (await bench.ends(job_id)).status is Status.COMPLETED
        assert bench.cleaned == [job_id]
        assert bench.metric("t2v_worker_executions_total", outcome="completed") == 1


async def test_a_stopping_worker_ends_what_it_can_and_hands_back_the_rest(redis_url: str) -> None:
    claimed: list[str] = []

    async def render(claim: Claim, report: Report) -> Ending:
        claimed.append(claim.job_id)
        if claimed[0] == claim.job_id:
            await asyncio.sleep(0.15)
            return await completed(claim, report)
        return await for_ever(claim, report)

    async with working(redis_url, render) as bench:
        bench.worker._job_completion_wait = 0.4  # type: ignore[assignment] # DRAIN is more than a test can wait
        short, long = await bench.submit(), await bench.submit()
        for job_id in (short, long):
            await bench.reaches(job_id, Status.IN_PROGRESS)
        bench.worker.handle_sig_wait_for_completion(signal.SIGTERM)
        late = await bench.submit()
        assert bench.running
        await asyncio.wait([bench.running], timeout=5)
        assert bench.running.cancelled()
        await bench.worker.close()
        jobs = [await bench.job(job_id) for job_id in (short, long, late)]
        assert [job.status for job in jobs] == [Status.COMPLETED, Status.QUEUED, Status.QUEUED]
        assert [job.executions for job in jobs[:2]] == [1, 1]
        assert [job.crashes for job in jobs] == [0, 0, 0]
        under_way = jobs[2].executions  # a claim that was under way when the signal came hands its job back too
        assert under_way <= 1
        assert bench.metric("t2v_worker_handed_back_total") == 1 + under_way
        assert (await bench.totals())["handed_back"] == 1 + under_way
        assert bench.cleaned == [short]
        assert {claim.job_id for claim in await bench.ledger.claim("next", NEVER, 5, "next-")} == {long, late}


def swallowing(answer: object) -> Callable[..., Awaitable[object]]:
    """A call of Redis that never returns and loses the cancellation that ends it, as redis-py can on Python 3.11."""

    async def call(*_: object) -> object:
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        return answer

    return call


async def test_a_lost_cancellation_does_not_keep_a_worker_from_stopping(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with working(redis_url, for_ever, renew_every=0.01) as bench:
        await bench.reaches(await bench.submit(), Status.IN_PROGRESS)
        monkeypatch.setattr(bench.ledger, "renew", swallowing({}))
        monkeypatch.setattr(bench.ledger, "claim", swallowing([]))
        await asyncio.sleep(SAFETY_POLL * 1.2)  # by now both hang
        bench.worker.handle_sig(signal.SIGTERM)
        assert bench.running
        _, running = await asyncio.wait([bench.running], timeout=SAFETY_POLL * 3)
        assert not running


async def test_a_lost_cancellation_does_not_keep_a_job_running(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def render(claim: Claim, report: Report) -> Ending:
        await asyncio.ensure_future(report(Stage.SCENES, 40))
        return await completed(claim, report)

    async with working(redis_url, render, renew_every=0.05) as bench:
        monkeypatch.setattr(bench.ledger, "advance", swallowing(Standing.CURRENT))
        job_id = await bench.submit()
        await bench.reaches(job_id, Status.IN_PROGRESS)
        await bench.ledger.cancel(job_id)
        assert (await bench.ends(job_id)).status is Status.CANCELLED


@pytest.mark.parametrize(
    ("method", "parameters", "asynchronous"),
    [
        ("main", ["self"], True),
        ("_poll_iteration", ["self"], True),
        ("close", ["self"], True),
        ("async_run", ["self"], True),
        ("handle_sig", ["self", "signum"], False),
        ("handle_sig_wait_for_completion", ["self", "signum"], False),
        ("_wait_for_tasks_to_complete", ["self", "signum"], True),
    ],
)
def test_arq_still_has_the_private_methods_that_we_rely_on(
    method: str, parameters: list[str], *, asynchronous: bool
) -> None:
    found = getattr(Worker, method)
    assert list(inspect.signature(found).parameters) == parameters
    assert inspect.iscoroutinefunction(found) is asynchronous


async def test_arq_still_has_the_private_state_that_we_rely_on(redis_url: str) -> None:
    async with working(redis_url, completed) as bench:
        worker: Worker = bench.worker
        assert worker.tasks == {}
        assert worker.max_jobs == 4
        assert worker.allow_pick_jobs is True
        assert worker.main_task is not None
        assert worker._job_completion_wait > 0
        assert list(worker.functions) == [RENDER]
    assert "self.tasks.values()" in inspect.getsource(Worker._wait_for_tasks_to_complete)
    assert "self.main_task.cancel()" in inspect.getsource(Worker._wait_for_tasks_to_complete)
