import asyncio

import pytest
from redis.asyncio import Redis

from contract import keys
from contract.ledger import IdempotencyConflictError, Ledger
from contract.records import Records
from tests.unit.contract.ledgers import COMPLETED, REQUEST, claim_one, idempotency_key, record_of, until_gone


async def test_the_same_key_and_request_stand_for_one_job(ledger: Ledger, records: Records) -> None:
    first = await ledger.accept("video_a", REQUEST, idempotency_key("k"))
    again = await ledger.accept("video_b", REQUEST, idempotency_key("k"))
    assert (first.job_id, first.replayed) == ("video_a", False)
    assert (again.job_id, again.replayed) == ("video_a", True)
    assert await records.job("video_b") is None


async def test_a_lost_answer_does_not_make_a_replay_of_the_first_request(ledger: Ledger) -> None:
    await ledger.accept("video_a", REQUEST, idempotency_key("k"))
    assert not (await ledger.accept("video_a", REQUEST, idempotency_key("k"))).replayed


async def test_the_same_key_with_another_request_is_refused(ledger: Ledger, records: Records) -> None:
    await ledger.accept("video_a", REQUEST, idempotency_key("k"))
    with pytest.raises(IdempotencyConflictError, match="use a new key"):
        await ledger.accept("video_b", REQUEST, idempotency_key("k", "another"))
    assert await records.job("video_b") is None
    assert (await records.totals())["submitted"] == 1


async def test_a_hundred_accepts_at_once_with_one_key_make_one_job(ledger: Ledger, records: Records) -> None:
    names = [f"video_{number}" for number in range(100)]
    answers = await asyncio.gather(*(ledger.accept(name, REQUEST, idempotency_key("k")) for name in names))
    assert len({answer.job_id for answer in answers}) == 1
    assert [answer.replayed for answer in answers].count(False) == 1
    assert (await records.totals())["submitted"] == 1


async def test_a_key_is_forgotten_after_its_time(ledger: Ledger, redis: Redis) -> None:
    await ledger.accept("video_a", REQUEST, idempotency_key("k", remember=0.02))
    await until_gone(redis, keys.idempotency("k"))
    assert not (await ledger.accept("video_b", REQUEST, idempotency_key("k"))).replayed


async def test_deleting_a_job_frees_its_key(redis: Redis) -> None:
    ledger = Ledger(redis)
    await ledger.accept("video_a", REQUEST, idempotency_key("k"))
    await ledger.finish("video_a", await claim_one(ledger, "first-"), COMPLETED)
    await ledger.delete("video_a")
    assert not (await ledger.accept("video_b", REQUEST, idempotency_key("k"))).replayed


async def test_deleting_a_job_whose_key_ran_out_leaves_the_key_of_the_next_job(redis: Redis) -> None:
    ledger = Ledger(redis)
    await ledger.accept("video_a", REQUEST, idempotency_key("k"))
    await redis.delete(keys.idempotency("k"))  # as its time running out does
    await ledger.accept("video_b", REQUEST, idempotency_key("k"))
    await ledger.cancel("video_a")
    await ledger.delete("video_a")
    assert (await ledger.accept("video_c", REQUEST, idempotency_key("k"))).job_id == "video_b"
    assert (await record_of(redis, "video_b"))["key_hash"] == "k"
