"""A random walk through the ledger's transitions, its keys checked after each step."""

import random
import time
from collections import defaultdict
from itertools import pairwise

import orjson
import pytest
from redis.asyncio import Redis
from redis.asyncio.client import PubSub

from contract import keys
from contract.jobs import Stage
from contract.ledger import Cancellation, Deletion, IdempotencyConflictError, Ledger, Standing, UnknownJobError
from contract.records import Records
from tests.unit.contract.ledgers import (
    DIES_AT_ONCE,
    ENDINGS,
    LIVES,
    QUARANTINED,
    REQUEST,
    Forgotten,
    assert_consistent,
    assert_told,
    idempotency_key,
    record_of,
)
from tests.unit.orders import MOST_CRASHES, SUSPECT_AFTER, order

STEPS = (
    "accept",
    "accept",
    "accept",
    "claim",
    "claim",
    "abandon",
    "hang",
    "renew",
    "advance",
    "hand_back",
    "try_again",
    "finish",
    "cancel",
    "delete",
)


class Walk:
    def __init__(self, ledger: Ledger, seed: int) -> None:
        self.ledger = ledger
        self.redis: Redis = ledger.redis
        self.chance = random.Random(seed)
        self.ids: list[str] = []
        self.tokens: dict[str, list[str]] = defaultdict(list)
        self.forgotten = Forgotten()
        self.submitted = 0
        self.begun: float | None = None
        self.refused_finishes = 0

    async def go(self, steps: int) -> None:
        async with self.redis.pubsub() as events:
            await events.subscribe(keys.EVENTS)
            await events.get_message(timeout=1)  # its confirmation
            before = await assert_consistent(self.redis)
            for number in range(steps):
                await getattr(self, "_" + self.chance.choice(STEPS))(number)
                after = await assert_consistent(self.redis, self.forgotten)
                assert_told(before, after)
                for job_id, record in after.records.items():
                    hashed = record["key_hash"]
                    assert not hashed or after.idempotency.get(hashed, {}).get("id") == job_id, "a key was forgotten"
                before = after
            assert await Records(self.redis).begun() == self.begun
            totals = await Records(self.redis).totals()
            assert totals["submitted"] == self.submitted
            assert totals["stale_finishes"] == self.refused_finishes
            await self._check_events(events)

    def _any_job(self) -> str:
        """Mostly a late one, since those still live."""
        return self.chance.choice([*(self.ids[-5:] if self.chance.random() < 0.7 else self.ids), "video_unknown"])

    def _any_execution(self) -> tuple[str, str]:
        """Mostly the latest execution of a job, at times an old or invented one."""
        job_id = self.chance.choice([*list(self.tokens)[-4:], self._any_job()])
        tokens = self.tokens.get(job_id, [])
        if not tokens:
            return job_id, "nobody"
        return job_id, self.chance.choice([tokens[-1], tokens[-1], tokens[0], "nobody"])

    async def _accept(self, number: int) -> None:
        repeated = self.ids and self.chance.random() < 0.1
        job_id = self.chance.choice(self.ids) if repeated else f"video_{number:04d}"
        was_there = bool(await record_of(self.redis, job_id))
        key = self.chance.choice([None, None, idempotency_key(f"key-{self.chance.randrange(4)}")])
        if key and self.chance.random() < 0.2:
            key = idempotency_key(key.hash, "another request")
        try:
            acceptance = await self.ledger.accept(job_id, REQUEST, key)
        except IdempotencyConflictError:
            return
        if acceptance.replayed or was_there:
            return
        assert acceptance.job_id == job_id
        self.begun = self.begun or float((await record_of(self.redis, job_id))["created_at"])
        self.submitted += 1
        self.ids.append(job_id)

    async def _claim(self, number: int) -> None:
        lease = self.chance.choice([LIVES, DIES_AT_ONCE])
        limit = self.chance.randint(1, 3)
        suspects = self.chance.randint(0, 1)
        wanted = order("worker", lease, limit, f"{number}-", suspects=suspects)
        innocent, suspected = await self.redis.zcard(keys.QUEUE), await self.redis.zcard(keys.SUSPECTS)
        dead = await self.redis.zrangebyscore(keys.LEASES, "-inf", time.time() * 1000, withscores=True)
        claims = await self.ledger.claim(wanted)
        for job_id, ended in dead:
            assert await self.redis.zscore(keys.LEASES, job_id) != ended, "a dead worker keeps its job"
        assert len(claims) >= min(innocent + min(suspects, suspected), limit), "due jobs were not handed out"
        assert sum(claim.crashes >= SUSPECT_AFTER for claim in claims) <= suspects, "suspects crowd a worker"
        assert len({claim.job_id for claim in claims}) == len(claims) <= limit
        for claim in claims:
            assert claim.token not in self.tokens[claim.job_id]
            self.tokens[claim.job_id].append(claim.token)
        if claims and lease == LIVES:
            assert 0 < await self.redis.pttl(keys.claim(f"{number}-")) <= LIVES * 1000, (
                "what was claimed is kept for ever"
            )
            assert await self.ledger.claim(wanted) == claims, "a repeated claim differs"

    async def _abandon(self, _: int) -> None:
        held = await self.redis.zcard(keys.LEASES)
        assert await self.ledger.abandon("somebody else", SUSPECT_AFTER, MOST_CRASHES) == 0
        if self.chance.random() < 0.3:
            assert await self.ledger.abandon("worker", SUSPECT_AFTER, MOST_CRASHES) == held
            assert not await self.redis.zcard(keys.LEASES), "what a dead worker held is still its own"

    async def _hang(self, number: int) -> None:
        """Redis was away for so long that all leases ran out; whichever worker comes first, none counts as dead."""
        before = await Records(self.redis).totals()
        minute_ago = (time.time() - 60) * 1000
        for job_id in await self.redis.zrange(keys.LEASES, 0, -1):
            await self.redis.zadd(keys.LEASES, {job_id: minute_ago})
        await self.redis.set(keys.PULSE, minute_ago)
        if self.chance.random() < 0.5:
            await self.ledger.renew(LIVES, {})
        await self.ledger.claim(order("worker", LIVES, 0, f"{number}-"))
        assert (await Records(self.redis).totals())["crashes"] == before["crashes"], "nobody could renew"

    async def _renew(self, _: int) -> None:
        held = dict(self._any_execution() for _ in range(3))
        standings = await self.ledger.renew(2 * LIVES, held)
        for job_id, token in held.items():
            record = await record_of(self.redis, job_id)
            current = record.get("token") == token and record["status"] == "in_progress"
            wanted = Standing.CANCEL if record.get("cancel_requested") == "1" else None
            assert standings.get(job_id) == (wanted if current else Standing.LOST)
            if current:
                lease_ends = await self.redis.zscore(keys.LEASES, job_id)
                assert lease_ends is not None
                assert lease_ends / 1000 > time.time() + 1.5 * LIVES, "a renewed lease was not extended"

    async def _advance(self, _: int) -> None:
        job_id, token = self._any_execution()
        stage = self.chance.choice(list(Stage))
        if await self.ledger.advance(job_id, token, stage, 20) is Standing.CURRENT:
            assert (await record_of(self.redis, job_id)).get("stage") == stage

    async def _hand_back(self, _: int) -> None:
        execution = self._any_execution()
        if await self.ledger.hand_back(*execution):
            await self._check_returned(*execution)
            assert await self.ledger.hand_back(*execution), "a repeated hand-back is the same hand-back"

    async def _try_again(self, _: int) -> None:
        execution = self._any_execution()
        if await self.ledger.try_again(*execution, delay=0):
            await self._check_returned(*execution)
            assert await self.ledger.try_again(*execution, delay=0), "a repeated return is the same return"

    async def _check_returned(self, job_id: str, token: str) -> None:
        assert (await record_of(self.redis, job_id)).get("token") != token, "what was handed back is still held"

    async def _finish(self, _: int) -> None:
        job_id, token = self._any_execution()
        ending = self.chance.choice([*ENDINGS.values(), QUARANTINED])
        if not await record_of(self.redis, job_id):
            with pytest.raises(UnknownJobError):
                await self.ledger.finish(job_id, token, ending)
            return
        finished = await self.ledger.finish(job_id, token, ending)
        if finished and self.chance.random() < 0.5:
            finished = await self.ledger.finish(job_id, token, ending)
            assert finished, "a repeated finish is the same finish"
        self.refused_finishes += not finished

    async def _cancel(self, _: int) -> None:
        place = self.chance.choice([keys.LEASES, keys.SUSPECTS, None])
        there = await self.redis.zrange(place, 0, -1) if place else []
        job_id = self.chance.choice(there or [self._any_job()])
        answer, record = await self.ledger.cancel(job_id), await record_of(self.redis, job_id)
        if answer is Cancellation.REQUESTED:
            assert record.get("cancel_requested") == "1"
        if answer is Cancellation.CANCELLED:
            assert record["status"] == "cancelled"

    async def _delete(self, _: int) -> None:
        job_id = self.chance.choice([*self.ids, "video_unknown"])
        record = await record_of(self.redis, job_id)
        if await self.ledger.delete(job_id) is Deletion.DELETED:
            self.forgotten.add(record)
            self.ids.remove(job_id)
            self.tokens.pop(job_id, None)

    async def _check_events(self, events: PubSub) -> None:
        """Each change of a job was told once, in order; the last one told is the job's state."""
        told: dict[str, list[dict[str, object]]] = defaultdict(list)
        while message := await events.get_message(timeout=0.02):
            change = orjson.loads(message["data"])
            told[change["id"]].append(change)
        for changes in told.values():
            assert changes[0]["version"] == 1
            assert all(int(str(b["version"])) == int(str(a["version"])) + 1 for a, b in pairwise(changes))
        for job_id in self.ids:
            record = await record_of(self.redis, job_id)
            assert told[job_id][-1]["status"] == record["status"], "an end was not told"
            assert str(told[job_id][-1]["version"]) == record["version"]
