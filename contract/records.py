"""Reading the ledger: job records, pages of them, totals."""

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from typing import cast

import orjson
from redis.asyncio import Redis

from contract import keys
from contract.catalogue import LedgerTotals
from contract.jobs import Job, Outcome, Status

_TIMES = ("created_at", "started_at", "completed_at")
_PLAIN = ("id", "status", "version", "progress", "executions", "crashes", "errors", "seconds", "bytes", *_TIMES)

TOTAL_NAMES = (*LedgerTotals.FIELDS, *(f"finished:{outcome}" for outcome in Outcome))

PAGED = (*_PLAIN, "request", "stage", "cancel_requested", "error", "failed_scenes")
"""What a listing shows of a job: all but the timings, which are most of a record."""


def job_from_record(record: dict[str, str]) -> Job:
    request = orjson.loads(record["request"])
    fields: dict[str, object] = {name: record[name] for name in _PLAIN if name in record}
    for name in ("error", "timings", "failed_scenes"):
        if record.get(name):
            fields[name] = orjson.loads(record[name])
    fields["history"] = [_past(line) for line in record.get("history", "").splitlines()]
    fields["stage"] = record.get("stage") or None
    fields["cancel_requested"] = record.get("cancel_requested") == "1"
    return Job.model_validate(fields | request)


def _past(line: str) -> dict[str, str]:
    worker, started_at, ended_at, cause = line.rsplit(" ", 3)  # a worker may call itself anything
    return {"worker": worker, "started_at": started_at, "ended_at": ended_at, "cause": cause}


@dataclass(frozen=True, slots=True)
class Backlog:
    """Jobs per live state, and the Unix time at which the oldest waiting job was due."""

    queued: int
    in_progress: int
    oldest: float | None


class Records:
    def __init__(self, redis: Redis) -> None:
        self.redis = redis

    async def job(self, job_id: str) -> Job | None:
        record = await cast("Awaitable[dict[str, str]]", self.redis.hgetall(keys.job(job_id)))
        return job_from_record(record) if record else None

    async def winners(self, job_ids: Sequence[str]) -> list[tuple[Status, str] | None]:
        """State of each job and the token of the execution that ended or holds it; None for an unknown one."""
        pipe = self.redis.pipeline(transaction=False)
        for job_id in job_ids:
            pipe.hmget(keys.job(job_id), ["status", "token"])
        return [(Status(status), token or "") if status else None for status, token in await pipe.execute()]

    async def winner(self, job_id: str) -> tuple[Status, str] | None:
        [found] = await self.winners([job_id])
        return found

    async def ended_at(self, job_id: str) -> float | None:
        """Unix time at which a job ended; None for one that has not, and for an unknown one."""
        found = await cast("Awaitable[str | None]", self.redis.hget(keys.job(job_id), "completed_at"))
        return float(found) if found else None

    async def page(self, before: str | None, limit: int, status: Status | None) -> list[Job]:
        """Up to `limit` jobs, newest first, of those created before the job id `before`; without their timings."""
        index = keys.JOBS if status is None else f"{keys.JOBS}:{status}"
        newest = f"({before}" if before else "+"
        ids = await self.redis.zrevrangebylex(index, newest, "-", start=0, num=limit)
        if not ids:
            return []
        pipe = self.redis.pipeline(transaction=False)
        for job_id in ids:
            pipe.hmget(keys.job(job_id), list(PAGED))
        rows = [dict(zip(PAGED, row, strict=True)) for row in await pipe.execute()]
        records = [{name: value for name, value in row.items() if value is not None} for row in rows]
        return [job_from_record(record) for record in records if record]

    async def totals(self) -> dict[str, int]:
        """Every total by name; one that was never counted is 0, since Redis keeps them all in one hash."""
        totals = await cast("Awaitable[dict[str, str]]", self.redis.hgetall(keys.TOTALS))
        return {name: int(totals.get(name, 0)) for name in TOTAL_NAMES}

    async def begun(self) -> float | None:
        """When the ledger accepted its first job, in Unix seconds; None while it is empty."""
        found = await self.redis.get(keys.BEGUN)
        return float(found) if found else None

    async def backlog(self) -> Backlog:
        pipe = self.redis.pipeline(transaction=True)
        for queue in (keys.QUEUE, keys.SUSPECTS):
            pipe.zcard(queue)
            pipe.zrange(queue, 0, 0, withscores=True)
        pipe.zcard(keys.LEASES)
        queued, first, suspects, first_suspect, in_progress = await pipe.execute()
        due = [score / 1000 for _, score in (*first, *first_suspect)]
        return Backlog(queued + suspects, in_progress, min(due, default=None))
