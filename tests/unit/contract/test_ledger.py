import asyncio

import pytest
from redis.asyncio import Redis

from contract import keys
from contract.jobs import Cause, ErrorCode, Outcome, Stage, Status, new_job_id
from contract.ledger import RENDER, Cancellation, Deletion, Ledger, Standing, UnknownJobError
from contract.records import Records
from tests.unit.contract.ledgers import (
    COMPLETED,
    DIES_AT_ONCE,
    ENDINGS,
    LIVES,
    REQUEST,
    WAKE_CAP,
    claim_one,
    read_keys,
    record_of,
)
from tests.unit.orders import MOST_CRASHES, SUSPECT_AFTER, order


async def test_a_job_runs_from_queue_to_completion(ledger: Ledger, records: Records) -> None:
    await ledger.accept("video_a", REQUEST)
    waiting = await records.job("video_a")
    assert waiting
    assert (waiting.status, waiting.started_at, waiting.completed_at) == (Status.QUEUED, None, None)

    (claim,) = await ledger.claim(order("worker", LIVES, 5, "first-"))
    assert (claim.job_id, claim.function, claim.execution) == ("video_a", RENDER, 1)
    assert REQUEST.model_validate_json(claim.request) == REQUEST
    assert await ledger.advance("video_a", claim.token, Stage.SCENES, 40) is Standing.CURRENT
    running = await records.job("video_a")
    assert running
    assert (running.status, running.stage, running.progress) == (Status.IN_PROGRESS, Stage.SCENES, 40)

    assert await ledger.finish("video_a", claim.token, COMPLETED)
    ended = await records.job("video_a")
    assert ended
    assert (ended.status, ended.seconds, ended.bytes, ended.progress) == (Status.COMPLETED, 31.25, 1000, 100)
    assert ended.created_at <= claim.started_at <= (ended.completed_at or 0)
    assert await records.winner("video_a") == (Status.COMPLETED, claim.token)


async def test_an_ending_is_read_back_as_it_was_written(ledger: Ledger, records: Records) -> None:
    for outcome, ending in ENDINGS.items():
        await ledger.accept(f"video_{outcome}", REQUEST)
        assert await ledger.finish(f"video_{outcome}", await claim_one(ledger, f"{outcome}-"), ending)
        job = await records.job(f"video_{outcome}")
        assert job
        assert job.status is outcome.status
        assert tuple(job.failed_scenes) == ending.failed_scenes
        assert (job.error, job.seconds, job.bytes) == (ending.error, ending.seconds, ending.bytes)
        assert job.timings == ending.timings


async def test_a_repeated_accept_changes_nothing(ledger: Ledger, redis: Redis) -> None:
    await ledger.accept("video_a", REQUEST)
    token = await claim_one(ledger, "first-")
    before = await record_of(redis, "video_a")
    assert not (await ledger.accept("video_a", REQUEST)).replayed
    assert await record_of(redis, "video_a") == before
    assert before["token"] == token


async def test_a_repeated_finish_counts_once(ledger: Ledger, records: Records) -> None:
    await ledger.accept("video_a", REQUEST)
    token = await claim_one(ledger, "first-")
    assert await ledger.finish("video_a", token, COMPLETED)
    ended = await records.job("video_a")
    assert await ledger.finish("video_a", token, COMPLETED)
    assert await records.job("video_a") == ended
    totals = await records.totals()
    assert (totals["finished:completed"], totals["stale_finishes"]) == (1, 0)


async def test_the_finish_of_a_superseded_execution_is_refused_and_counted(ledger: Ledger, records: Records) -> None:
    await ledger.accept("video_a", REQUEST)
    old = await claim_one(ledger, "first-", DIES_AT_ONCE)
    new = await claim_one(ledger, "second-")
    assert not await ledger.finish("video_a", old, COMPLETED)
    assert await ledger.finish("video_a", new, ENDINGS[Outcome.FAILED])
    assert not await ledger.finish("video_a", new, COMPLETED), "an end is not changed by another one"
    assert await records.winner("video_a") == (Status.FAILED, new)
    assert (await records.totals())["stale_finishes"] == 2


async def test_a_job_that_redis_has_lost_is_said_to_be_unknown(ledger: Ledger, redis: Redis, records: Records) -> None:
    await ledger.accept("video_a", REQUEST)
    token, begun = await claim_one(ledger, "first-"), await records.begun()
    await redis.flushall()
    assert await records.begun() is None
    with pytest.raises(UnknownJobError, match="does not know video_a: it was deleted, or Redis has lost its data"):
        await ledger.finish("video_a", token, COMPLETED)
    await ledger.accept("video_b", REQUEST)
    assert begun is not None
    assert (await records.begun() or 0) > begun


async def test_a_void_execution_learns_that_it_is_lost(ledger: Ledger) -> None:
    await ledger.accept("video_a", REQUEST)
    old = await claim_one(ledger, "first-", DIES_AT_ONCE)
    new = await claim_one(ledger, "second-")
    assert await ledger.renew(LIVES, {"video_a": old}) == {"video_a": Standing.LOST}
    assert await ledger.advance("video_a", old, Stage.PARSE, 0) is Standing.LOST
    assert not await ledger.hand_back("video_a", old)
    assert await ledger.renew(LIVES, {"video_a": new}) == {}


async def test_a_lease_that_ran_out_is_a_crash_and_goes_back_to_its_old_place(ledger: Ledger, records: Records) -> None:
    for name in "abc":
        await ledger.accept(f"video_{name}", REQUEST)
    await claim_one(ledger, "dies-", DIES_AT_ONCE)
    (again,) = await ledger.claim(order("other", LIVES, 1, "second-"))
    assert (again.job_id, again.execution) == ("video_a", 2)
    job = await records.job("video_a")
    assert job
    assert (job.executions, job.crashes) == (2, 1)
    assert (await records.totals())["crashes"] == 1
    assert [claim.job_id for claim in await ledger.claim(order("other", LIVES, 5, "rest-"))] == ["video_b", "video_c"]


async def test_a_renewed_lease_is_no_crash(ledger: Ledger, records: Records) -> None:
    await ledger.accept("video_a", REQUEST)
    token = await claim_one(ledger, "first-", DIES_AT_ONCE)
    await ledger.renew(LIVES, {"video_a": token})
    assert await ledger.claim(order("other", LIVES, 5, "second-")) == []
    assert await ledger.finish("video_a", token, COMPLETED)
    assert (await records.totals())["crashes"] == 0


async def test_a_job_handed_back_waits_at_its_old_place_without_a_crash(ledger: Ledger, records: Records) -> None:
    for name in "ab":
        await ledger.accept(f"video_{name}", REQUEST)
    token = await claim_one(ledger, "first-")
    await ledger.advance("video_a", token, Stage.SCENES, 50)
    assert await ledger.hand_back("video_a", token)
    job = await records.job("video_a")
    assert job
    assert (job.status, job.stage, job.progress, job.crashes) == (Status.QUEUED, None, 0, 0)
    (again,) = await ledger.claim(order("other", LIVES, 1, "second-"))
    assert (again.job_id, again.execution) == ("video_a", 2)


async def test_cancel_ends_a_waiting_job_asks_a_running_one_and_leaves_an_ended_one(
    ledger: Ledger, records: Records
) -> None:
    assert await ledger.cancel("video_unknown") is Cancellation.UNKNOWN
    await ledger.accept("video_a", REQUEST)
    assert await ledger.cancel("video_a") is Cancellation.CANCELLED
    assert await ledger.cancel("video_a") is Cancellation.ENDED
    assert await ledger.claim(order("worker", LIVES, 5, "none-")) == []

    await ledger.accept("video_b", REQUEST)
    token = await claim_one(ledger, "first-")
    assert await ledger.cancel("video_b") is Cancellation.REQUESTED
    assert await ledger.advance("video_b", token, Stage.SCRIPT, 10) is Standing.CANCEL
    assert await ledger.renew(LIVES, {"video_b": token}) == {"video_b": Standing.CANCEL}
    assert await ledger.finish("video_b", token, ENDINGS[Outcome.CANCELLED])
    for name in "ab":
        job = await records.job(f"video_{name}")
        assert job
        assert job.status is Status.CANCELLED
        assert job.completed_at
    assert (await records.totals())["finished:cancelled"] == 2


async def test_a_job_that_was_to_be_cancelled_ends_cancelled_when_its_worker_dies(
    ledger: Ledger, records: Records
) -> None:
    await ledger.accept("video_a", REQUEST)
    token = await claim_one(ledger, "dies-", DIES_AT_ONCE)
    await ledger.cancel("video_a")
    assert await ledger.claim(order("other", LIVES, 5, "second-")) == []
    job = await records.job("video_a")
    assert job
    assert (job.status, job.crashes) == (Status.CANCELLED, 1)
    assert not await ledger.finish("video_a", token, ENDINGS[Outcome.CANCELLED]), "its execution is void"


async def test_a_job_that_was_to_be_cancelled_is_not_run_again_when_handed_back(
    ledger: Ledger, records: Records
) -> None:
    await ledger.accept("video_a", REQUEST)
    token = await claim_one(ledger, "first-")
    await ledger.cancel("video_a")
    assert await ledger.hand_back("video_a", token)
    assert await ledger.claim(order("other", LIVES, 5, "second-")) == []
    assert (await records.winner("video_a")) == (Status.CANCELLED, "")


async def test_only_an_ended_job_is_deleted_and_totals_go_on_counting_it(redis: Redis, records: Records) -> None:
    ledger = Ledger(redis)
    assert await ledger.delete("video_unknown") is Deletion.UNKNOWN
    await ledger.accept("video_a", REQUEST)
    assert await ledger.delete("video_a") is Deletion.RUNNING
    token = await claim_one(ledger, "first-")
    assert await ledger.delete("video_a") is Deletion.RUNNING
    await ledger.finish("video_a", token, COMPLETED)
    totals = await records.totals()
    assert await ledger.delete("video_a") is Deletion.DELETED
    assert await ledger.delete("video_a") is Deletion.UNKNOWN
    assert await records.job("video_a") is None
    assert await records.totals() == totals
    left = set(await redis.keys("*"))
    assert left == {keys.TOTALS, keys.PULSE, keys.BEGUN, keys.claim("first-")}


async def test_each_waiting_job_is_handed_to_one_of_many_workers(ledger: Ledger) -> None:
    ids = [new_job_id() for _ in range(60)]
    await asyncio.gather(*(ledger.accept(job_id, REQUEST) for job_id in ids))
    rounds = await asyncio.gather(*(ledger.claim(order(f"worker-{n}", LIVES, 7, f"{n}-")) for n in range(12)))
    claimed = [claim.job_id for claims in rounds for claim in claims]
    assert sorted(claimed) == sorted(ids)


async def test_a_waiting_worker_is_handed_a_job_when_it_is_accepted_and_none_without_one(
    ledger: Ledger, redis: Redis
) -> None:
    waiting = order("worker", LIVES, 5, "first-")
    assert await ledger.claim_when_woken(redis, 0.05, waiting) == []  # Redis does not know the script yet
    claiming = asyncio.create_task(ledger.claim_when_woken(redis, 2, waiting))
    async with asyncio.timeout(2):
        while not (await redis.info("clients"))["blocked_clients"]:  # noqa: ASYNC110 - the state is in Redis
            await asyncio.sleep(0.001)
        await ledger.accept("video_a", REQUEST)
        claims = await claiming
    assert [(claim.job_id, claim.token) for claim in claims] == [("video_a", "first-1")]
    assert await ledger.claim_when_woken(redis, 0.05, order("worker", LIVES, 5, "second-")) == []


async def test_a_claim_whose_answer_was_lost_is_repeated_and_hands_out_the_same_jobs(
    ledger: Ledger, redis: Redis
) -> None:
    for name in "abc":
        await ledger.accept(f"video_{name}", REQUEST)
    lost = await ledger.claim(order("worker", LIVES, 2, "first-"))
    await ledger.finish("video_a", lost[0].token, COMPLETED)
    assert await ledger.claim(order("worker", LIVES, 2, "first-")) == lost[1:]
    assert await ledger.claim(order("worker", LIVES, 0, "none-")) == []
    (other,) = await ledger.claim(order("worker", LIVES, 2, "second-"))
    assert other.job_id == "video_c"
    assert 0 < await redis.pttl(keys.claim("first-")) <= LIVES * 1000


async def test_a_worker_that_starts_again_finds_what_it_held_in_the_queue_at_once(
    ledger: Ledger, records: Records
) -> None:
    for name in "abc":
        await ledger.accept(f"video_{name}", REQUEST)
    assert len(await ledger.claim(order("worker-1", LIVES, 2, "first-"))) == 2
    (other,) = await ledger.claim(order("worker-2", LIVES, 1, "second-"))
    assert await ledger.abandon("worker-1", SUSPECT_AFTER, MOST_CRASHES) == 2
    assert await ledger.abandon("worker-1", SUSPECT_AFTER, MOST_CRASHES) == 0
    again = await ledger.claim(order("worker-1", LIVES, 3, "third-"))
    assert [(claim.job_id, claim.crashes) for claim in again] == [("video_a", 1), ("video_b", 1)]
    assert (await records.totals())["crashes"] == 2
    job = await records.job("video_a")
    assert job
    (past,) = job.history
    assert (past.worker, past.cause) == ("worker-1", Cause.CRASH)
    assert job.created_at <= past.started_at <= past.ended_at <= (job.started_at or 0)
    assert await ledger.finish(other.job_id, other.token, COMPLETED)


@pytest.mark.parametrize("first", ["claim", "renewal"])
async def test_no_worker_counts_as_dead_because_redis_was_away(
    ledger: Ledger, redis: Redis, records: Records, first: str
) -> None:
    await ledger.accept("video_a", REQUEST)
    token = await claim_one(ledger, "first-", lease=10)
    minute_ago = (await redis.time())[0] * 1000 - 60_000
    await redis.zadd(keys.LEASES, {"video_a": minute_ago})  # it ran out while Redis hung
    await redis.set(keys.PULSE, minute_ago)
    if first == "renewal":  # of a worker that is back before the others
        await ledger.renew(10, {})
    assert await ledger.claim(order("other", 10, 5, "second-")) == []
    assert (await records.totals())["crashes"] == 0
    assert await ledger.renew(10, {"video_a": token}) == {}
    await redis.zadd(keys.LEASES, {"video_a": minute_ago})  # and this time it is the worker that went
    (again,) = await ledger.claim(order("other", 10, 5, "third-"))
    assert (again.job_id, again.crashes) == ("video_a", 1)


async def test_a_job_that_no_worker_survives_is_given_up_at_last(ledger: Ledger, records: Records) -> None:
    await ledger.accept("video_a", REQUEST)
    for number in range(MOST_CRASHES):
        (claim,) = await ledger.claim(order("worker", DIES_AT_ONCE, 1, f"{number}-"))
        assert claim.crashes == number
    assert await ledger.claim(order("worker", LIVES, 1, "last-")) == []
    job = await records.job("video_a")
    assert job
    assert job.error
    assert (job.status, job.error.code, job.crashes) == (Status.FAILED, ErrorCode.QUARANTINED, MOST_CRASHES)
    assert (await records.totals())["quarantined"] == 1


@pytest.mark.parametrize("place", [keys.QUEUE, keys.SUSPECTS, keys.LEASES])
async def test_an_id_without_a_record_stops_nobody_and_is_forgotten(ledger: Ledger, redis: Redis, place: str) -> None:
    await redis.zadd(place, {"video_ghost": 1})
    await ledger.accept("video_a", REQUEST)
    assert [claim.job_id for claim in await ledger.claim(order("worker", LIVES, 5, "first-"))] == ["video_a"]
    assert await redis.zscore(place, "video_ghost") is None
    assert not await redis.exists(keys.job("video_ghost"))


async def test_a_job_that_failed_for_a_reason_of_ours_is_due_again_after_a_while(
    ledger: Ledger, records: Records
) -> None:
    for name in "ab":
        await ledger.accept(f"video_{name}", REQUEST)
    token = await claim_one(ledger, "first-")
    assert await ledger.try_again("video_a", token, 0.2)
    assert await ledger.try_again("video_a", token, 0.2), "what is repeated is answered alike, and counted once"
    (other,) = await ledger.claim(order("worker", LIVES, 2, "second-"))
    assert other.job_id == "video_b"
    async with asyncio.timeout(2):
        while not (claims := await ledger.claim(order("worker", LIVES, 1, f"{new_job_id()}-"))):  # noqa: ASYNC110 - Redis knows
            await asyncio.sleep(0.02)
    assert (claims[0].job_id, claims[0].execution, claims[0].errors, claims[0].crashes) == ("video_a", 2, 1, 0)
    assert claims[0].started_at - claims[0].created_at > 0.19
    job = await records.job("video_a")
    assert job
    assert (job.errors, (await records.totals())["errors"]) == (1, 1)


async def test_the_wake_list_is_bounded(ledger: Ledger, redis: Redis) -> None:
    for number in range(WAKE_CAP + 1):
        await ledger.accept(f"video_{number}", REQUEST)
    assert (await read_keys(redis)).wake == WAKE_CAP


async def test_the_backlog_names_the_oldest_waiting_job(ledger: Ledger, records: Records) -> None:
    assert (await records.backlog()).oldest is None
    for name in "abc":
        await ledger.accept(f"video_{name}", REQUEST)
    await claim_one(ledger, "first-")
    backlog = await records.backlog()
    oldest = await records.job("video_b")
    assert oldest
    assert (backlog.queued, backlog.in_progress) == (2, 1)
    assert backlog.oldest is not None
    assert abs(backlog.oldest - oldest.created_at) < 0.001
