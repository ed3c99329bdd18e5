"""What became of provider calls that failed, and of the jobs that made them."""

from collections import Counter
from collections.abc import Mapping, Sequence

from contract.calls import CallResult, WaitCause
from reporter.courses import NO_FAILURE, Course, courses
from reporter.indicator import Indicator
from reporter.indicators import indicators
from reporter.markdown import NO_DATA, NONE, figure, percent, seconds, table, whole
from reporter.runs import Run

DEFINITIONS = (
    "A *call* is one provider, one scene, one job; each try is an *attempt*. An attempt that was cancelled is no "
    "failure. *Attempts per call* is the retry amplification, of the provider of which it is most. Calls and attempts "
    "are those of the executions that "
    "ended the jobs, from the records of the jobs; of a job that was cancelled none are known. Retries and waits are "
    "counted by the workers, by PromQL."
)


def error_recovery(runs: Mapping[str, Run]) -> list[str]:
    """A row per run that made calls; then, of each run in which calls failed, how they did."""
    made = [(run, found) for run in runs.values() if (found := courses(run.measured))]
    if not made:
        return [f"{NO_DATA.capitalize()}: no run tells of any provider call."]
    headers = (
        *("Run", "Calls", "Failed at least once", "Recovered", "Call recovery"),
        *("Jobs with a failed call", "Job recovery", "Exact 95 % interval", "Attempts per call"),
    )
    blocks = [DEFINITIONS, table(headers, [_row(run, found) for run, found in made], "lrrrrrrrr")]
    for run, found in made:
        if any(course.failures for course in found):
            blocks += [f"### {run.info.scenario}: how calls failed", *_failures(run, found), *_attempts(found)]
    return blocks


def _row(run: Run, found: Sequence[Course]) -> tuple[str, ...]:
    known = indicators(run)
    failed = sum(bool(course.failures) for course in found)
    calls, jobs = known["call_recovery"], known["job_recovery"]
    return (
        run.name,
        str(len(found)),
        str(failed),
        str(sum(course.recovered for course in found)),
        _share(calls),
        str(jobs.n),
        _share(jobs),
        (jobs.note or "").rpartition("interval ")[2] or NONE,
        figure(known["retry_amplification"].value),
    )


def _share(found: Indicator) -> str:
    return percent(found.value) if found.n else NONE


def _failures(run: Run, found: Sequence[Course]) -> list[str]:
    """By result: attempts that ended so, calls that met it, and those of them that ended well."""
    rows = []
    for result in CallResult:
        met = [course for course in found if result in course.failures]
        retries = [s.value for s in run.answers.samples("call.retries", reason=result) if s.value is not None]
        if result not in NO_FAILURE and (met or sum(retries)):
            attempts = sum(course.failures.count(result) for course in met)
            well = sum(course.recovered for course in met)
            share = percent(well / len(met)) if met else NONE
            told = whole(sum(retries)) if retries else NO_DATA
            rows.append((result.value, str(attempts), str(len(met)), str(well), share, told))
    headers = ("Result", "Attempts", "Calls that met it", "Ended well", "Share", "Retries for it, by PromQL")
    waits = [f"{cause} {_waited(run, cause)}" for cause in WaitCause]
    return [table(headers, rows, "lrrrrr"), f"Waited before attempts, by PromQL: {', '.join(waits)}."]


def _waited(run: Run, cause: WaitCause) -> str:
    values = [s.value for s in run.answers.samples("call.retry_wait", cause=cause) if s.value is not None]
    return seconds(sum(values)) if values else NO_DATA


def _attempts(found: Sequence[Course]) -> list[str]:
    """How many attempts calls took, and how many of those calls ended well."""
    took = Counter(len(course.attempts) for course in found)
    well = Counter(len(course.attempts) for course in found if course.ended_well)
    rows = [(str(n), str(took[n]), str(well[n])) for n in sorted(took)]
    return [table(("Attempts", "Calls", "Ended well"), rows, "rrr")]
