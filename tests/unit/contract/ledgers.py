"""Jobs for tests of the ledger, and what must hold of its keys after each transition."""

import asyncio
from collections import Counter
from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import Any, cast

from redis.asyncio import Redis

from contract import keys
from contract.jobs import DocumentInfo, ErrorCode, JobError, JobOptions, JobRequest, Outcome, Status, Timings
from contract.ledger import Ending, IdempotencyKey, Ledger
from contract.records import TOTAL_NAMES, Records
from tests.unit.orders import SUSPECT_AFTER, order

WAKE_CAP = 256

REQUEST = JobRequest(document=DocumentInfo(name="paper.pdf", bytes=3, sha256="ab" * 32), options=JobOptions())

ENDINGS = {
    Outcome.COMPLETED: Ending(Outcome.COMPLETED, Timings(), seconds=31.25, bytes=1000),
    Outcome.PARTIAL: Ending(Outcome.PARTIAL, Timings(), failed_scenes=(2, 4), seconds=20.5, bytes=900),
    Outcome.FAILED: Ending(
        Outcome.FAILED, Timings(), error=JobError(code=ErrorCode.PROVIDER_FAILED, message="The LLM did not answer.")
    ),
    Outcome.CANCELLED: Ending(Outcome.CANCELLED, Timings()),
}
QUARANTINED = Ending(
    Outcome.FAILED, Timings(), error=JobError(code=ErrorCode.QUARANTINED, message="It killed its process.")
)
COMPLETED = ENDINGS[Outcome.COMPLETED]

DIES_AT_ONCE = 0.0
"""A lease that has run out by the next claim: a worker that was killed."""
LIVES = 60.0

ENDED_EARLY = ("crashes", "handed_back", "errors")
"""Why an execution may have ended without ending its job."""
COUNTED = ("executions", *ENDED_EARLY)


def idempotency_key(name: str, fingerprint: str = "same", remember: float = 60.0) -> IdempotencyKey:
    return IdempotencyKey(name, fingerprint, remember)


async def claim_one(ledger: Ledger, prefix: str, lease: float = LIVES) -> str:
    """The token of the first waiting job's new execution."""
    (claim,) = await ledger.claim(order("worker", lease, 1, prefix))
    return claim.token


@dataclass(slots=True)
class Forgotten:
    """What deleted jobs had counted; totals go on counting it."""

    jobs: int = 0
    fields: Counter[str] = field(default_factory=Counter)

    def add(self, record: dict[str, str]) -> None:
        self.jobs += 1
        for name in COUNTED:
            self.fields[name] += int(record.get(name, 0))
        self.fields[f"finished:{record['outcome']}"] += 1
        self.fields["quarantined"] += ErrorCode.QUARANTINED in record.get("error", "")


@dataclass(slots=True)
class LedgerKeys:
    """Everything that the ledger keeps, read at one moment."""

    queue: dict[str, float]
    """Suspects included."""
    suspects: dict[str, float]
    leases: dict[str, float]
    jobs: set[str]
    indexes: dict[str, set[str]]
    wake: int
    records: dict[str, dict[str, str]]
    idempotency: dict[str, dict[str, Any]]
    """`lifetime` of an entry in ms."""


async def read_keys(redis: Redis) -> LedgerKeys:
    """Not atomic as a whole: to be called while nobody writes."""
    found = await redis.keys(f"{keys.PREFIX}*")
    job_keys = [key for key in found if key.startswith(keys.job(""))]
    key_keys = [key for key in found if key.startswith(keys.idempotency(""))]
    pipe = redis.pipeline(transaction=True)
    pipe.zrange(keys.QUEUE, 0, -1, withscores=True)
    pipe.zrange(keys.SUSPECTS, 0, -1, withscores=True)
    pipe.zrange(keys.LEASES, 0, -1, withscores=True)
    pipe.zrange(keys.JOBS, 0, -1)
    pipe.llen(keys.WAKE)
    for status in Status:
        pipe.zrange(f"{keys.JOBS}:{status}", 0, -1)
    for key in key_keys:
        pipe.pttl(key)
    for key in (*job_keys, *key_keys):
        pipe.hgetall(key)
    queue, suspects, leases, jobs, wake, *rest = await pipe.execute()
    members, lifetimes = rest[: len(Status)], rest[len(Status) : len(Status) + len(key_keys)]
    hashes = rest[len(Status) + len(key_keys) :]
    return LedgerKeys(
        queue=dict([*queue, *suspects]),
        suspects=dict(suspects),
        leases=dict(leases),
        jobs=set(jobs),
        indexes={str(status): set(ids) for status, ids in zip(Status, members, strict=True)},
        wake=wake,
        records=dict(zip((key.removeprefix(keys.job("")) for key in job_keys), hashes, strict=False)),
        idempotency={
            key.removeprefix(keys.idempotency("")): entry | {"lifetime": lifetime}
            for key, entry, lifetime in zip(key_keys, hashes[len(job_keys) :], lifetimes, strict=True)
        },
    )


async def assert_consistent(redis: Redis, forgotten: Forgotten | None = None) -> LedgerKeys:
    """Raises AssertionError, naming the rule, when the ledger's keys contradict each other."""
    forgotten = forgotten or Forgotten()
    found, totals = await read_keys(redis), await Records(redis).totals()
    _check_indexes(found)
    for job_id, record in found.records.items():
        _check_record(job_id, record, found)
    _check_idempotency(found)
    _check_totals(found, totals, forgotten)
    return found


def assert_told(before: LedgerKeys, after: LedgerKeys) -> None:
    """Raises AssertionError when a transition changed a job without a new version, or queued one without a wake-up."""
    for job_id, record in after.records.items():
        old = before.records.get(job_id, {})
        if any(old.get(name) != record.get(name) for name in ("status", "stage", "cancel_requested")):
            assert int(record.get("version", 0)) > int(old.get("version", 0)), "a change has no version"
    came = len(after.queue.keys() - before.queue.keys())
    if after.queue.keys() - after.suspects.keys():  # a claim that empties the queue takes the wake-ups with it
        assert after.wake >= min(WAKE_CAP, before.wake + came), "a job was queued without a wake-up"


def _check_indexes(found: LedgerKeys) -> None:
    assert set(found.records) == found.jobs, "the index of all jobs and the records differ"
    placed = Counter(job_id for ids in found.indexes.values() for job_id in ids)
    assert placed == Counter(found.jobs), "a job is not in exactly one status index"
    assert set(found.queue) == found.indexes[Status.QUEUED], "the queue and the index of queued jobs differ"
    assert set(found.leases) == found.indexes[Status.IN_PROGRESS], "the leases and the running jobs differ"
    assert found.wake <= WAKE_CAP, "the wake list grows without end"
    assert found.wake or found.queue == found.suspects, "jobs wait and nobody was woken"
    for job_id in found.queue:
        crashes = int(found.records[job_id].get("crashes", 0))
        assert (job_id in found.suspects) == (crashes >= SUSPECT_AFTER), "suspects wait apart, and nobody else"


def _check_record(job_id: str, record: dict[str, str], found: LedgerKeys) -> None:
    status, outcome = Status(record["status"]), record.get("outcome")
    assert job_id in found.indexes[status], f"the record says {status}, the indexes do not"
    assert (outcome is not None) == status.terminal, "an outcome belongs to an ended job, and to each"
    assert ("completed_at" in record) == status.terminal, "an end has a time"
    if outcome is not None:
        assert Outcome(outcome).status is status, f"{outcome} is no way to be {status}"
    assert "error" not in record or status is Status.FAILED, "an error belongs to a job that failed"
    if status is Status.QUEUED:
        assert not record.get("token"), "a waiting job has no execution"
        assert found.queue[job_id] == float(record["due_ms"]), "the queue forgot when the job was due"
    if status is Status.IN_PROGRESS:
        assert record.get("token"), "a running job has an execution"
    ran, gone = int(record.get("executions", 0)), sum(int(record.get(name, 0)) for name in ENDED_EARLY)
    past = record.get("history", "").splitlines()
    assert len(past) == gone, "an execution that ended early is not in the history"
    for name in ENDED_EARLY:
        assert sum(line.endswith(f" {name}") for line in past) == int(record.get(name, 0)), (
            "the history tells another cause"
        )
    open_ended = int(status is Status.IN_PROGRESS)
    ended_by_execution = int(status.terminal and "timings" in record)
    assert ran == gone + open_ended + ended_by_execution, "an execution ended in no way that is counted"


def _check_idempotency(found: LedgerKeys) -> None:
    for hashed, entry in found.idempotency.items():
        assert entry["id"] in found.records, "an idempotency key stands for a job that is gone"
        assert found.records[entry["id"]]["key_hash"] == hashed, "job and idempotency key name each other"
        assert entry["lifetime"] > 0, "an idempotency key is remembered for ever"


def _check_totals(found: LedgerKeys, totals: dict[str, int], forgotten: Forgotten) -> None:
    counted = Counter(forgotten.fields)
    counted["submitted"] = len(found.records) + forgotten.jobs
    for record in found.records.values():
        for name in COUNTED:
            counted[name] += int(record.get(name, 0))
        if outcome := record.get("outcome"):
            counted[f"finished:{outcome}"] += 1
        counted["quarantined"] += ErrorCode.QUARANTINED in record.get("error", "")
    for name in TOTAL_NAMES:
        if name != "stale_finishes":  # no record keeps it: each test knows how many it caused
            assert totals[name] == counted[name], f"total {name} is {totals[name]}, the jobs say {counted[name]}"
    ended = sum(totals[f"finished:{outcome}"] for outcome in Outcome)
    assert totals["submitted"] == ended + len(found.queue) + len(found.leases), "the books do not balance"


async def until_gone(redis: Redis, key: str) -> None:
    """Waits for a key to expire."""
    async with asyncio.timeout(5):
        while (left := await redis.pttl(key)) >= 0:  # noqa: ASYNC110 - Redis tells nobody
            await asyncio.sleep(left / 1000)


async def record_of(redis: Redis, job_id: str) -> dict[str, str]:
    return await cast("Awaitable[dict[str, str]]", redis.hgetall(keys.job(job_id)))
