"""How well jobs heeded that their clients had thought better of them."""

from collections.abc import Callable

from contract.jobs import Outcome
from contract.runfolder import CancelRecord, JobRecord
from reporter.indicator import Indicator
from reporter.runs import Run


def cancelling(run: Run) -> dict[str, Indicator]:
    """By the names that targets use, over the jobs that ended cancelled; no data where one of them tells nothing."""
    return {
        "cancel_max": _longest(run),
        "cancelled_late_calls": _sum(run, lambda cancel: cancel.late_calls, "provider calls"),
        "cancel_leftovers": _sum(run, lambda cancel: cancel.leftovers, "files"),
    }


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
