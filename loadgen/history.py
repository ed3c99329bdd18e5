"""What the ledger says of the jobs of a run, through the service's listing."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from contract.jobs import Job
from contract.runfolder import Counts, JobRecord
from loadgen.client import Client
from loadgen.users import outcome_of


async def jobs_since(client: Client, start: float) -> list[Job]:
    """Every job accepted at or after `start` (Unix seconds)."""
    found: list[Job] = []
    after = ""
    while True:
        page = orjson.loads(await client.get(f"/v1/videos?limit=100{after}"))
        jobs = [Job.model_validate(job) for job in page["data"]]
        found += [job for job in jobs if job.created_at >= start]
        if not page["has_more"] or (jobs and jobs[-1].created_at < start):
            return found
        after = f"&after={page['next']}"


@dataclass(frozen=True, slots=True)
class Reconciliation:
    counts: Counts
    lost: list[str]
    unexpected: list[str]
    unseen: dict[str, Job]
    """By seed key, jobs that ended without their client seeing it."""


def reconcile(records: list[JobRecord], known: list[Job]) -> Reconciliation:
    """The seven counts of Jepsen's total-queue checker, and the outcomes, of the measured jobs.

    Lost: acknowledged, and not in a final state now. Unexpected: in the ledger though nobody of this run asked for
    it, or a second job for one request. Duplicated: executions beyond the first of each job asked for. Recovered:
    never acknowledged to its client, and yet ended.
    """
    by_id = {job.id: job for job in known}
    by_key = {job.options.seed_key: job for job in known}
    lost, recovered = [], 0
    outcomes: list[str] = []
    asked: dict[str, Job] = {}
    unseen: dict[str, Job] = {}
    for record in records:
        job = by_id.get(record.id) if record.id else by_key.get(record.seed_key)
        if job is not None:
            asked[job.id] = job
        if job is not None and job.status.terminal:
            outcomes.append(outcome_of(job))
            recovered += record.id is None
            if record.outcome is None:
                unseen[record.seed_key] = job
        elif record.id is not None:
            lost.append(record.id)
    unexpected = [job.id for job in known if job.id not in asked]
    counts = Counts(
        attempted=len(records),
        acknowledged=sum(record.id is not None for record in records),
        completed=outcomes.count("completed"),
        partial=outcomes.count("partial"),
        failed=outcomes.count("failed"),
        cancelled=outcomes.count("cancelled"),
        lost=len(lost),
        unexpected=len(unexpected),
        duplicated=sum(max(0, job.executions - 1) for job in asked.values()),
        recovered=recovered,
    )
    return Reconciliation(counts, lost, unexpected, unseen)


def adopt(records: list[JobRecord], reconciliation: Reconciliation) -> None:
    """Completes the records of jobs whose end was not seen by what the ledger says of it."""
    for record in records:
        if job := reconciliation.unseen.get(record.seed_key):
            record.id, record.outcome, record.failed_scenes = job.id, outcome_of(job), job.failed_scenes
            record.accepted, record.started, record.finished = job.created_at, job.started_at, job.completed_at
            record.executions, record.error = job.executions, job.error


async def complete(client: Client, records: list[JobRecord]) -> None:
    """Asks for what the listing leaves out of jobs whose end was not seen: how long what took, and earlier executions.

    Raises RequestError.
    """
    for record in records:
        if record.id is not None and record.outcome is not None and record.timings is None:
            job = await client.state_of(record.id)
            record.timings, record.history = job.timings, job.history


def loss_age(lost: Sequence[JobRecord], cuts: Sequence[float]) -> float | None:
    """For how long the oldest lost job had been acknowledged when the power was next cut; 0 where none is lost.

    `cuts` are moments in Unix seconds, in order. None when a job is lost that no cut explains.
    """
    ages = []
    for record in lost:
        known = math.inf if record.acknowledged is None else record.acknowledged
        later = [cut for cut in cuts if cut >= known]
        if not later:
            return None
        ages.append(later[0] - known)
    return max(ages, default=0.0)
