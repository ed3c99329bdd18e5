"""How well jobs heeded that their clients had thought better of them."""

from collections.abc import Callable

from contract.jobs import Outcome
from contract.runfolder import CancelRecord, JobRecord
from reporter.indicator import Indicator
from reporter.runs import Run

GRACE = 0.1
"""Seconds after the acknowledgement in which a job may still come to its own end: less than a job at `script` or
`scenes` mostly has before it, and more than its worker takes to stop it."""


def cancelling(run: Run) -> dict[str, Indicator]:
    """By the names that targets use; all but the last over jobs that ended cancelled, no data if one tells nothing."""
    return {
        "cancel_max": _longest(run),
        "cancelled_late_calls": _sum(run, lambda cancel: cancel.late_calls, "provider calls"),
        "cancel_leftovers": _sum(run, lambda cancel: cancel.leftovers, "files"),
        "cancels_ignored": _ignored(run),
    }


def is_ignored(job: JobRecord) -> bool:
    """Whether a job that was running when its cancellation was acknowledged went on to another end for over GRACE."""
    cancel = job.cancel
    if cancel is None or cancel.acknowledged is None or cancel.status is None or cancel.status.terminal:
        return False
    on_time = job.finished is not None and job.finished <= cancel.acknowledged + GRACE
    return job.outcome is not Outcome.CANCELLED and not on_time


def _ignored(run: Run) -> Indicator:
    asked = [job for job in run.measured if job.cancel is not None]
    if not asked:
        return Indicator(None, 0)
    return Indicator(float(sum(map(is_ignored, asked))), len(asked), f"of {len(asked)} cancellations")


def cancelled_jobs(run: Run) -> list[JobRecord]:
    return [job for job in run.measured if job.outcome is Outcome.CANCELLED]


def seconds_to_end(job: JobRecord) -> float | None:
    """From sending the cancellation to holding the job's end."""
    return None if job.cancel is None or job.held is None else job.held - job.cancel.sent


def _longest(run: Run) -> Indicator:
    jobs = cancelled_jobs(run)
    known = [seconds for job in jobs if (seconds := seconds_to_end(job)) is not None]
    if not jobs or len(known) < len(jobs):
        return Indicator(None, len(jobs), _unknown(len(jobs) - len(known)))
    return Indicator(max(known), len(known), f"of {len(known)} cancelled jobs")


def _sum(run: Run, of: Callable[[CancelRecord], int | None], what: str) -> Indicator:
    jobs = cancelled_jobs(run)
    known = [n for job in jobs if job.cancel is not None and (n := of(job.cancel)) is not None]
    if not jobs or len(known) < len(jobs):
        return Indicator(None, len(jobs), _unknown(len(jobs) - len(known)))
    return Indicator(float(sum(known)), len(known), f"{what} of {len(known)} cancelled jobs")


def _unknown(jobs: int) -> str | None:
    return f"unknown of {jobs} cancelled jobs" if jobs else None
