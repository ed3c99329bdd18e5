"""The ledger of jobs in Redis, the only truth about them.

Each transition is one Lua script (`lua/`), so that record, queue, leases, indexes, totals, idempotency entry and
wake-up change together or not at all. Scripts may be repeated after a lost answer and change nothing then.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from redis.asyncio import Redis
from redis.exceptions import NoScriptError

from contract import keys
from contract.errors import ReelbenchError
from contract.jobs import ErrorCode, JobError, JobRequest, Outcome, Stage, Timings

if TYPE_CHECKING:
    from redis.commands.core import AsyncScript

RENDER = "render_video"
"""Name under which the worker registers its function with arq."""

_LUA = Path(__file__).with_name("lua")
_SCRIPTS = ("accept", "abandon", "claim", "renew", "advance", "hand_back", "finish", "cancel", "delete")


class IdempotencyConflictError(ReelbenchError):
    """The same idempotency key came with another request."""


class UnknownJobError(ReelbenchError):
    """The ledger has no record of a job that it once handed out."""


class Standing(StrEnum):
    """What an execution learns about itself."""

    CURRENT = "current"
    LOST = "lost"
    CANCEL = "cancel"


class Cancellation(StrEnum):
    CANCELLED = "cancelled"
    REQUESTED = "requested"
    ENDED = "ended"
    UNKNOWN = "unknown"


class Deletion(StrEnum):
    DELETED = "deleted"
    RUNNING = "running"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """`hash` names the client's key, `fingerprint` the request that came with it."""

    hash: str
    fingerprint: str
    remember: float


@dataclass(frozen=True, slots=True)
class Acceptance:
    job_id: str
    replayed: bool


@dataclass(frozen=True, slots=True)
class Order:
    """What a worker asks for: up to `limit` jobs, each for `lease` seconds, under tokens with a prefix of their own.

    A job that crashed `suspect_after` times may have killed its workers; of those it takes up to `suspects`. After
    `most_crashes` a job is given up.
    """

    worker: str
    lease: float
    limit: int
    token_prefix: str
    suspects: int
    suspect_after: int
    most_crashes: int

    def args(self) -> tuple[str, ...]:
        return (
            *(self.worker, str(int(self.lease * 1000)), str(self.limit), self.token_prefix),
            *(str(self.suspects), str(self.suspect_after), str(self.most_crashes)),
        )


@dataclass(frozen=True, slots=True)
class Claim:
    """One execution of a job, valid as long as the ledger holds its token. Times are Unix seconds.

    `crashes` and `errors` are earlier executions of the job that ended so.
    """

    job_id: str
    token: str
    function: str
    request: str
    execution: int
    created_at: float
    started_at: float
    crashes: int = 0
    errors: int = 0


@dataclass(frozen=True, slots=True)
class Ending:
    """How an execution ended. `seconds` and `bytes` are the video's."""

    outcome: Outcome
    timings: Timings
    failed_scenes: tuple[int, ...] = ()
    seconds: float | None = None
    bytes: int | None = None
    error: JobError | None = None

    @property
    def counted_besides(self) -> str:
        """The total, beside that of its outcome, to which the ending belongs; empty for none."""
        return "quarantined" if self.error is not None and self.error.code is ErrorCode.QUARANTINED else ""

    def fields(self) -> list[str]:
        found: dict[str, str | None] = {
            "timings": self.timings.model_dump_json(),
            "failed_scenes": str(list(self.failed_scenes)) if self.failed_scenes else None,
            "seconds": None if self.seconds is None else repr(self.seconds),
            "bytes": None if self.bytes is None else str(self.bytes),
            "error": None if self.error is None else self.error.model_dump_json(),
        }
        return [part for name, value in found.items() if value is not None for part in (name, value)]


def _source(name: str) -> str:
    """A Redis that is full refuses new jobs, and lets those that it has come to their ends."""
    flags = "#!lua\n" if name == "accept" else "#!lua flags=allow-oom\n"
    return flags + (_LUA / "prelude.lua").read_text() + (_LUA / f"{name}.lua").read_text()


class Ledger:
    def __init__(self, redis: Redis) -> None:
        self.redis = redis
        self._scripts: dict[str, AsyncScript] = {name: redis.register_script(_source(name)) for name in _SCRIPTS}

    async def _run(self, script: str, *args: str | float) -> Any:  # noqa: ANN401 - what a script answers is its own
        return await self._scripts[script](args=args)

    async def accept(self, job_id: str, request: JobRequest, key: IdempotencyKey | None = None) -> Acceptance:
        """Puts a job into the queue; with a known idempotency key, answers the job that it stands for.

        Raises IdempotencyConflictError when the key stands for another request.
        """
        hashed, fingerprint, remember = (key.hash, key.fingerprint, key.remember) if key else ("", "", 0)
        verdict, known = await self._run(
            "accept", job_id, request.model_dump_json(), RENDER, hashed, fingerprint, remember
        )
        if verdict == "conflict":
            raise IdempotencyConflictError(
                "This Idempotency-Key was used with another document or other options; use a new key."
            )
        return Acceptance(job_id=known, replayed=verdict == "replayed")

    async def abandon(self, worker: str, suspect_after: int, most_crashes: int) -> int:
        """For a worker that starts: what an earlier one of its name held is queued again at once; how many jobs."""
        return int(await self._run("abandon", worker, suspect_after, most_crashes))

    async def claim(self, order: Order) -> list[Claim]:
        """Due jobs, each leased; jobs of dead workers return to the queue first.

        A claim whose answer was lost is repeated with the same order, else its jobs wait for their leases.
        """
        return _claims(await self._run("claim", *order.args()))

    async def claim_when_woken(self, blocking: Redis, bound: float, order: Order) -> list[Claim]:
        """As `claim`, once a job was accepted or `bound` seconds passed. The wait and the claim travel together, so
        that Redis hands out the job the moment it comes.
        """
        args = order.args()
        pipe = blocking.pipeline(transaction=False)
        pipe.blpop([keys.WAKE], timeout=cast("int", bound))  # redis-py says int, Redis takes fractions since version 6
        pipe.evalsha(self._scripts["claim"].sha, 0, *args)
        try:
            _, rows = await pipe.execute()
        except NoScriptError:  # Redis is new: `claim` brings it the script
            rows = await self._run("claim", *args)
        return _claims(rows)

    async def renew(self, lease: float, tokens: Mapping[str, str]) -> dict[str, Standing]:
        """Extends the leases of running executions (job id → token); answers those that must stop."""
        flat = [part for pair in tokens.items() for part in pair]
        lost, cancelled = await self._run("renew", int(lease * 1000), *flat)
        return dict.fromkeys(cancelled, Standing.CANCEL) | dict.fromkeys(lost, Standing.LOST)

    async def advance(self, job_id: str, token: str, stage: Stage, progress: int) -> Standing:
        return Standing(await self._run("advance", job_id, token, stage, progress))

    async def hand_back(self, job_id: str, token: str) -> bool:
        """The job takes its old place in the queue. False when the execution was no longer the current one."""
        return bool(await self._run("hand_back", job_id, token, "handed_back", 0))

    async def try_again(self, job_id: str, token: str, delay: float) -> bool:
        """The execution failed for a reason that another one may not meet; the job is due in `delay` seconds."""
        return bool(await self._run("hand_back", job_id, token, "errors", int(delay * 1000)))

    async def finish(self, job_id: str, token: str, ending: Ending) -> bool:
        """False when the execution was no longer the current one: its assets must not be shown.

        Raises UnknownJobError when there is no such job.
        """
        args = (job_id, token, ending.outcome, ending.outcome.status, ending.counted_besides, *ending.fields())
        verdict = await self._run("finish", *args)
        if verdict == "unknown":
            raise UnknownJobError(f"The ledger does not know {job_id}: it was deleted, or Redis has lost its data.")
        return bool(verdict == "finished")

    async def cancel(self, job_id: str) -> Cancellation:
        return Cancellation(await self._run("cancel", job_id))

    async def delete(self, job_id: str) -> Deletion:
        return Deletion(await self._run("delete", job_id))


def _claims(rows: list[list[str]]) -> list[Claim]:
    return [
        Claim(
            job_id, token, function, request, int(execution), float(created), float(started), int(crashes), int(errors)
        )
        for job_id, token, function, request, execution, created, started, crashes, errors in rows
    ]
