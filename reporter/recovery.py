"""How well a run got over its faults: indicators of calls, of jobs, and of the time until all was well again."""

from collections import Counter
from collections.abc import Sequence

from contract.jobs import Outcome
from contract.runfolder import JobRecord
from reporter.courses import courses, courses_of
from reporter.fault_windows import FaultWindow, due_after, last_timed
from reporter.indicator import Indicator, share
from reporter.runs import Run

DELIVERED = (Outcome.COMPLETED, Outcome.PARTIAL)
STREAK = 5
"""So many successful jobs in a row say that the service has recovered."""


def recovery(run: Run) -> dict[str, Indicator]:
    """By the names that targets use. Times in seconds, shares of 1."""
    return {
        "call_recovery": _calls(run),
        "job_recovery": _jobs(run),
        "delivered_rate": share(_count(run, *DELIVERED), len(run.measured)),
        "partial_jobs": _partial(run),
        "retry_amplification": _amplification(run),
        "mttr": _time_to_recovery(run),
        "success_after": _success_after(run),
    }


def _calls(run: Run) -> Indicator:
    """Over (job, provider, scene) of the executions that ended the jobs: failed at least once and ended well / failed
    at least once.
    """
    failed = [course for course in courses(run.measured) if course.failures]
    return share(sum(course.recovered for course in failed), len(failed), "calls that failed at least once")


def _jobs(run: Run) -> Indicator:
    """Jobs with at least one failed call that ended completed or partial / jobs with at least one failed call."""
    met = jobs_with_failures(run)
    return share(sum(job.outcome in DELIVERED for job in met), len(met), "jobs of which a call failed")


def jobs_with_failures(run: Run) -> list[JobRecord]:
    return [job for job in run.measured if any(course.failures for course in courses_of(job))]


def _partial(run: Run) -> Indicator:
    n = len(run.measured)
    return Indicator(float(_count(run, Outcome.PARTIAL)), n, f"of {n} jobs") if n else Indicator(None, 0)


def _count(run: Run, *outcomes: Outcome) -> int:
    return sum(run.outcomes()[outcome] for outcome in outcomes)


def _amplification(run: Run) -> Indicator:
    """Provider calls made / distinct (job, scene), of the provider of which it is most."""
    wanted: Counter[str] = Counter()
    made: Counter[str] = Counter()
    for course in courses(run.measured):
        wanted[course.provider] += 1
        made[course.provider] += len(course.attempts)
    if not wanted:
        return Indicator(None, 0)
    worst = max(wanted, key=lambda provider: made[provider] / wanted[provider])
    note = f"{made[worst]} {worst} calls made for {wanted[worst]} wanted"
    return Indicator(made[worst] / wanted[worst], wanted[worst], note)


def _time_to_recovery(run: Run) -> Indicator:
    """From the end of the last timed fault to the due time of the first of five successful jobs in a row."""
    fault = last_timed(run)
    if fault is None:
        return Indicator(None, 0)
    if fault.end is None:
        return Indicator(None, 0, f"nobody saw the end of the fault {fault.what}")
    after = due_after(run, fault.end)
    first = first_of_streak(after)
    if first is None:
        return Indicator(None, len(after), _why_none(fault, len(after)))
    gap = arrival_gap(run)
    resolution = "" if gap is None else f", resolution {gap:.2f} s"
    return Indicator(first.due - fault.end, len(after), f"after {fault.what}{resolution}")


def _why_none(fault: FaultWindow, jobs: int) -> str:
    if jobs < STREAK:
        return f"only {jobs} jobs were due after {fault.what}, too few to tell"
    return f"no {STREAK} successes in a row among the {jobs} jobs due after {fault.what}"


def first_of_streak(jobs: Sequence[JobRecord]) -> JobRecord | None:
    """The first of the first STREAK completed jobs in a row."""
    for start in range(len(jobs) - STREAK + 1):
        if all(job.outcome is Outcome.COMPLETED for job in jobs[start : start + STREAK]):
            return jobs[start]
    return None


def arrival_gap(run: Run) -> float | None:
    """Mean seconds between two jobs that were due one after the other: no time to recovery is known better."""
    dues = [job.due for job in run.measured]
    return (max(dues) - min(dues)) / (len(dues) - 1) if len(dues) > 1 else None


def first_completion(run: Run) -> float | None:
    """Seconds from the end of the last timed fault to the first completed job that a client then held; None without."""
    fault = last_timed(run)
    if fault is None or fault.end is None:
        return None
    done = [job.held for job in run.measured if job.outcome is Outcome.COMPLETED and job.held is not None]
    after = [held - fault.end for held in done if held >= fault.end]
    return min(after, default=None)


def _success_after(run: Run) -> Indicator:
    fault = last_timed(run)
    if fault is None or fault.end is None:
        return Indicator(None, 0)
    after = due_after(run, fault.end)
    return share(sum(job.outcome is Outcome.COMPLETED for job in after), len(after), f"jobs due after {fault.what}")
