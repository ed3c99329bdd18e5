"""Leases: renewed, passed on, run out; and cancellation, which travels the same way."""

import asyncio
import time
from time import perf_counter

import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from contract import keys
from contract.jobs import Outcome, Stage, Status, Timings
from contract.ledger import Cancellation, Claim, Ending
from tests.unit.orders import order
from tests.unit.workers.benches import NEVER, completed, for_ever, until, working
from workers.pipeline import Report
from workers.queue import SAFETY_POLL


async def test_renewal_keeps_a_job_longer_than_its_lease(redis_url: str) -> None:
    async def render(claim: Claim, report: Report) -> Ending:
        await asyncio.sleep(0.8)
        return await completed(claim, report)

    async with working(redis_url, render, lease=0.3, renew_every=0.05) as bench:
        job = await bench.ends(await bench.submit())
        assert (job.status, job.executions, job.crashes) == (Status.COMPLETED, 1, 0)


async def test_a_worker_that_cannot_renew_stops_what_it_holds_when_the_lease_ends(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped: list[float] = []

    async def render(claim: Claim, report: Report) -> Ending:
        began = perf_counter()
        try:
            return await for_ever(claim, report)
        finally:
            stopped.append(perf_counter() - began)

    async def away(*_: object) -> None:
        raise RedisConnectionError("away")

    async with working(redis_url, render, slots=1, lease=0.6, renew_every=0.1) as bench:
        monkeypatch.setattr(bench.ledger, "renew", away)
        job_id = await bench.submit()
        await bench.reaches(job_id, Status.IN_PROGRESS)
        await until(lambda: bool(stopped))
        assert 0.05 < stopped[0] <= 0.65
        await until(lambda: bench.metric("t2v_worker_fenced_executions_total") >= 1)
        await until(lambda: bench.metric("t2v_worker_handed_back_total") >= 1)
        totals = await bench.totals()
        assert totals["handed_back"] >= 1
        assert not totals.keys() & {"crashes", "stale_finishes"}


async def test_a_worker_that_was_away_for_longer_than_the_lease_stops_what_it_held_at_once(redis_url: str) -> None:
    stopped = asyncio.Event()

    async def render(claim: Claim, report: Report) -> Ending:
        try:
            return await for_ever(claim, report)
        finally:
            stopped.set()

    async with working(redis_url, render, slots=1, lease=0.3, renew_every=0.1) as bench:
        await bench.reaches(await bench.submit(), Status.IN_PROGRESS)
        time.sleep(0.5)  # noqa: ASYNC251 - as a stopped process would
        async with asyncio.timeout(0.1):
            await stopped.wait()
        await until(lambda: bench.metric("t2v_worker_fenced_executions_total") >= 1)


async def test_renewal_stops_an_execution_that_lost_its_lease(redis_url: str) -> None:
    async with working(redis_url, for_ever, slots=1, lease=NEVER, renew_every=0.05) as bench:
        job_id = await bench.submit()
        await bench.reaches(job_id, Status.IN_PROGRESS)
        await bench.ledger.redis.hset(f"t2v:job:{job_id}", "token", "stolen")  # type: ignore[misc] # typed for both kinds of client
        await until(lambda: not bench.worker.tasks)
        assert bench.metric("t2v_worker_lost_leases_total") == 1
        assert (await bench.job(job_id)).status is Status.IN_PROGRESS


async def test_a_finish_after_the_lease_passed_on_is_refused(redis_url: str) -> None:
    go = asyncio.Event()

    async def render(claim: Claim, report: Report) -> Ending:
        await go.wait()
        return await completed(claim, report)

    async with working(redis_url, render, slots=1, lease=NEVER, renew_every=NEVER) as bench:
        job_id = await bench.submit()
        await bench.reaches(job_id, Status.IN_PROGRESS)
        await bench.expire(job_id)
        thieves = await bench.ledger.claim(order("another worker", NEVER, 1, "stolen-"))
        go.set()
        await until(lambda: bench.metric("t2v_worker_lost_leases_total") == 1)
        await until(lambda: not bench.worker.tasks)
        job = await bench.job(job_id)
        assert (job.status, job.executions, job.crashes) == (Status.IN_PROGRESS, 2, 1)
        assert (await bench.totals())["stale_finishes"] == 1
        assert bench.cleaned == []
        assert bench.metric("t2v_worker_executions_total", outcome="completed") == 0
        assert await bench.ledger.finish(job_id, thieves[0].token, Ending(Outcome.COMPLETED, Timings()))


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

    async with working(redis_url, render, slots=2, lease=NEVER, renew_every=NEVER) as bench:
        job_id = await bench.submit()
        await bench.reaches(job_id, Status.IN_PROGRESS)
        await bench.expire(job_id)
        job = await bench.ends(job_id)
        assert (job.status, job.executions, job.crashes) == (Status.COMPLETED, 2, 1)
        assert stopped == [1]
        assert bench.metric("t2v_worker_lost_leases_total") == 1
        assert bench.metric("t2v_worker_slots_used") == 0
        assert not bench.worker._leases._held


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


@pytest.mark.parametrize("by", ["announcement", "renewal", "report", "renewed subscription"])
async def test_a_cancelled_job_stops_at_the_next(redis_url: str, redis: Redis, by: str) -> None:
    reporting = asyncio.Event()

    async def render(claim: Claim, report: Report) -> Ending:
        await reporting.wait()
        await report(Stage.SCENES, 40)
        return await for_ever(claim, report)

    async with working(redis_url, render, renew_every=0.05 if by == "renewal" else NEVER) as bench:
        job_id = await bench.submit()
        await bench.reaches(job_id, Status.IN_PROGRESS)
        if by == "announcement":
            assert await bench.ledger.cancel(job_id) is Cancellation.REQUESTED
        else:
            await bench.ledger.redis.hset(keys.job(job_id), "cancel_requested", "1")  # type: ignore[misc] # typed for both kinds of client
        if by == "report":
            reporting.set()
        if by == "renewed subscription":
            await redis.client_kill_filter(_type="pubsub")
        job = await bench.ends(job_id)
        assert job.status is Status.CANCELLED
        assert bench.cleaned == [job_id]
        assert bench.metric("t2v_worker_executions_total", outcome="cancelled") == 1
        assert await bench.totals() == {"submitted": 1, "executions": 1, "finished:cancelled": 1}


async def test_a_cancellation_that_overtakes_the_claim_of_its_job_is_heeded(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The job is handed out, cancelled, and only then does the worker learn that it has it."""
    async with working(redis_url, for_ever, renew_every=NEVER) as bench:
        real = bench.ledger.claim_when_woken

        async def claim(*args: object) -> list[Claim]:
            claims = await real(*args)  # type: ignore[arg-type] # passed on as they are
            for one in claims:
                await bench.ledger.cancel(one.job_id)
                async with asyncio.timeout(5):
                    while one.job_id not in bench.worker._leases._heard:  # noqa: ASYNC110 - it tells nobody
                        await asyncio.sleep(0.005)
            return claims

        monkeypatch.setattr(bench.ledger, "claim_when_woken", claim)
        await asyncio.sleep(SAFETY_POLL * 1.2)  # the wait that began before is over
        assert (await bench.ends(await bench.submit())).status is Status.CANCELLED


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
