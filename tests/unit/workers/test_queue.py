"""The queue discipline on a real Redis: slots, endings, stops, a ledger that is away."""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from statistics import median
from time import perf_counter

import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from contract.connections import connect
from contract.jobs import ErrorCode, JobError, Outcome, Stage, Status, Timings
from contract.jobs import new_job_id as new_id
from contract.ledger import Claim, Ending, Ledger, Standing
from tests.unit.orders import order
from tests.unit.workers.benches import NEVER, REQUEST, completed, for_ever, until, working
from workers.pipeline import Report
from workers.queue import SAFETY_POLL, SUSPECTS_AT_ONCE

ARQ_POLL = 0.5


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


async def test_without_a_wake_up_a_job_waits_for_the_next_look(redis_url: str) -> None:
    """As in a stock arq, which an ablation compares with."""
    async with working(redis_url, completed, wake_up=False) as bench:
        for _ in range(6):
            await bench.ends(await bench.submit())
        assert bench.metric("t2v_job_queue_seconds_sum") / 6 > 0.1 * SAFETY_POLL


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

    async with working(redis_url, render, job_attempts=1) as bench:
        bad = new_id()
        await bench.ledger.accept(bad, REQUEST)
        failed = await bench.ends(bad, bound=1)
        assert failed.status is Status.FAILED
        assert failed.error
        assert failed.error.code is ErrorCode.INTERNAL
        assert "KeyError" not in failed.error.message
        assert (await bench.ends(await bench.submit())).status is Status.COMPLETED
        assert bench.cleaned[0] == bad


async def test_a_job_that_broke_our_own_code_is_tried_again_before_it_fails(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.queue.FIRST_DELAY", 0.01)

    async def render(claim: Claim, report: Report) -> Ending:
        if claim.job_id == bad or claim.errors == 0:
            raise KeyError("a defect of the moment")
        return await completed(claim, report)

    async with working(redis_url, render, job_attempts=2) as bench:
        bad = new_id()
        good = await bench.ends(await bench.submit())
        assert (good.status, good.executions, good.errors, good.crashes) == (Status.COMPLETED, 2, 1, 0)
        await bench.ledger.accept(bad, REQUEST)
        failed = await bench.ends(bad)
        assert (failed.status, failed.executions, failed.errors) == (Status.FAILED, 2, 1)
        assert bench.metric("t2v_worker_failed_executions_total") == 2
        assert await bench.totals() == {
            "submitted": 2,
            "executions": 4,
            "errors": 2,
            "finished:completed": 1,
            "finished:failed": 1,
        }


async def test_a_document_that_is_at_fault_is_not_tried_again(redis_url: str) -> None:
    async def render(_claim: Claim, _report: Report) -> Ending:
        error = JobError(code=ErrorCode.DOCUMENT_MALFORMED, message="The document has no pages.")
        return Ending(Outcome.FAILED, Timings(), error=error)

    async with working(redis_url, render) as bench:
        job = await bench.ends(await bench.submit())
        assert (job.status, job.executions, job.errors) == (Status.FAILED, 1, 0)


async def test_a_job_whose_workers_died_runs_alone(redis_url: str) -> None:
    async def alone(claim: Claim, report: Report) -> Ending:
        assert claim.crashes == 2
        return await completed(claim, report)

    async with working(redis_url, for_ever, alone=alone, lease=NEVER, renew_every=NEVER, suspect_after=2) as bench:
        job_id = await bench.submit()
        for execution in (1, 2):
            await bench.reaches(job_id, Status.IN_PROGRESS)
            await bench.runs(job_id, execution)
            await bench.expire(job_id)
        job = await bench.ends(job_id)
        assert (job.status, job.executions, job.crashes) == (Status.COMPLETED, 3, 2)


async def test_suspects_take_turns_and_those_that_wait_take_no_slot(redis_url: str) -> None:
    begun: list[str] = []
    goes_on = asyncio.Event()

    async def alone(claim: Claim, report: Report) -> Ending:
        begun.append(claim.job_id)
        await goes_on.wait()
        return await completed(claim, report)

    async with working(
        redis_url, for_ever, alone=alone, lease=NEVER, renew_every=NEVER, slots=12, suspect_after=2
    ) as bench:
        suspects = [await bench.submit() for _ in range(SUSPECTS_AT_ONCE + 2)]
        for execution in (1, 2):
            for job_id in suspects:
                await bench.runs(job_id, execution)
            for job_id in suspects:
                await bench.expire(job_id)
        await until(lambda: len(begun) == SUSPECTS_AT_ONCE)
        innocent = await bench.submit()
        await bench.reaches(innocent, Status.IN_PROGRESS)
        waiting = set(suspects) - set(begun)
        assert {(await bench.job(job_id)).status for job_id in waiting} == {Status.QUEUED}
        assert {(await bench.job(job_id)).executions for job_id in waiting} == {2}
        goes_on.set()
        assert {(await bench.reaches(job_id, Status.COMPLETED)).executions for job_id in suspects} == {3}


async def test_what_a_lost_answer_handed_out_is_not_left_to_its_lease(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer of a claim is lost once; the job runs all the same, once, long before its lease ends."""
    lost = False

    async with working(redis_url, completed, lease=NEVER) as bench:
        real = bench.ledger.claim_when_woken

        async def claim(*args: object) -> list[Claim]:
            nonlocal lost
            claims = await real(*args)  # type: ignore[arg-type] # passed on as they are
            if claims and not lost:
                lost = True
                raise RedisConnectionError("the answer is lost")
            return claims

        monkeypatch.setattr(bench.ledger, "claim_when_woken", claim)
        await asyncio.sleep(SAFETY_POLL * 1.2)  # the wait that began before is over
        job = await bench.ends(await bench.submit())
        assert lost
        assert (job.status, job.executions, job.crashes) == (Status.COMPLETED, 1, 0)


@pytest.mark.parametrize("busy", [False, True], ids=["idle", "while it drains"])
async def test_a_worker_that_stops_while_it_is_handed_a_job_gives_it_back(
    redis_url: str, monkeypatch: pytest.MonkeyPatch, *, busy: bool
) -> None:
    handed_out = asyncio.Event()

    async with working(redis_url, for_ever if busy else completed, lease=NEVER) as bench:
        if busy:
            await bench.reaches(await bench.submit(), Status.IN_PROGRESS)
        real = bench.ledger.claim_when_woken

        async def claim(*args: object) -> list[Claim]:
            claims = await real(*args)  # type: ignore[arg-type] # passed on as they are
            if claims:
                handed_out.set()
                await asyncio.Event().wait()  # the answer is still on its way when the signal comes
            return claims

        monkeypatch.setattr(bench.ledger, "claim_when_woken", claim)
        await asyncio.sleep(SAFETY_POLL * 1.2)  # the wait that began before is over
        job_id = await bench.submit()
        await handed_out.wait()
        bench.worker.handle_sig_wait_for_completion(signal.SIGTERM)
        assert bench.running
        if not busy:
            await asyncio.wait([bench.running], timeout=5)
            await bench.worker.close()
        job = await bench.reaches(job_id, Status.QUEUED)
        assert (job.executions, job.crashes) == (1, 0)
        assert bench.metric("t2v_worker_handed_back_total") == 1
        assert (await bench.totals())["handed_back"] == 1


async def test_an_idle_worker_starts_a_job_at_once_while_110_run_elsewhere(redis_url: str) -> None:
    started: list[float] = []

    async def render(claim: Claim, report: Report) -> Ending:
        started.append(perf_counter())
        return await completed(claim, report)

    async with connect(redis_url, 2) as redis:
        ledger = Ledger(redis)
        for _ in range(110):
            await ledger.accept(new_id(), REQUEST)
        assert len(await ledger.claim(order("elsewhere", NEVER, 200, "elsewhere-"))) == 110
        async with working(redis_url, render) as bench:
            await asyncio.sleep(SAFETY_POLL / 2)
            submitted = perf_counter()
            await bench.ends(await bench.submit())
            assert started[0] - submitted < ARQ_POLL * 0.6


async def test_the_end_of_a_job_is_offered_until_the_ledger_answers(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    offered = 0

    async with working(redis_url, completed) as bench:
        real = bench.ledger.finish

        async def finish(*args: object) -> bool:
            nonlocal offered
            offered += 1
            if offered < 3:
                raise RedisConnectionError("away")
            return await real(*args)  # type: ignore[arg-type] # passed on as they are

        monkeypatch.setattr(bench.ledger, "finish", finish)
        job = await bench.ends(await bench.submit())
        assert (job.status, job.executions, offered) == (Status.COMPLETED, 1, 3)


async def test_a_clean_up_that_raises_leaves_the_ending_as_it_is(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def clean_up(_: Claim) -> None:
        raise OSError("disk full")

    async with working(redis_url, completed) as bench:
        monkeypatch.setattr(bench.worker, "_handlers", replace(bench.worker._handlers, clean_up=clean_up))
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
        assert {claim.job_id for claim in await bench.ledger.claim(order("next", NEVER, 5, "next-"))} == {long, late}


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
        monkeypatch.undo()  # a ledger that never answers would never take back what it may have handed out


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
