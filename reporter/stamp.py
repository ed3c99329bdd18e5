"""May a run's figures be used? The stamp on a report, its reasons, and what a reader should know besides."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from contract.jobs import Outcome
from contract.runfolder import Result, Target, Verdict
from reporter.calibration import measured_twice
from reporter.runs import Run
from reporter.statistics import binomial_interval, sample_floor

PERCENTILES = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}


class Word(StrEnum):
    """From the best to the worst."""

    VALID = "VALID"
    UNDER_SAMPLED = "UNDER-SAMPLED"
    INVALID = "INVALID"


@dataclass(frozen=True, slots=True)
class Stamp:
    word: Word
    reasons: tuple[str, ...] = ()


def stamp(run: Run) -> Stamp:
    """INVALID by the run's own verdict, or without one; UNDER-SAMPLED where a target asks for more jobs."""
    if run.result is None:
        return Stamp(Word.INVALID, ("the run was not judged",))
    if run.result.verdict is Verdict.INVALID:
        return Stamp(Word.INVALID, tuple(run.result.reasons) or ("no reason was given",))
    few = tuple(reason for target in run.result.targets if (reason := too_few(run.result, target)))
    return Stamp(Word.UNDER_SAMPLED, few) if few else Stamp(Word.VALID)


def worst(stamps: Iterable[Stamp]) -> Stamp:
    order = list(Word)
    return max(stamps, key=lambda found: order.index(found.word), default=Stamp(Word.INVALID, ("no run was given",)))


def too_few(result: Result, target: Target) -> str | None:
    """Why the sample does not carry this target; None where it does."""
    if target.name == "success_rate":
        interval = binomial_interval(result.counts.completed, result.counts.attempted)
        if interval and interval[0] < target.limit < interval[1]:
            low, high = interval
            return (
                f"the exact 95 % interval of the success rate, {low * 100:.1f}–{high * 100:.1f} %, holds its target "
                f"of {target.limit * 100:g} %"
            )
    q = PERCENTILES.get(target.name.rpartition("_")[2])
    if q is not None and target.n is not None and target.n < sample_floor(q):
        return f"{target.name} rests on n = {target.n}, where {sample_floor(q)} are needed"
    return None


def success_interval(run: Run) -> tuple[float, float] | None:
    return binomial_interval(*successes_of(run))


def successes_of(run: Run) -> tuple[int, int]:
    """Jobs completed without failed scenes, and jobs attempted; as reconciled, else by the records alone."""
    if run.result is not None:
        return run.result.counts.completed, run.result.counts.attempted
    return run.outcomes()[Outcome.COMPLETED], len(run.measured)


def response_limit(run: Run) -> float | None:
    """The target of the response time in seconds, None where the scenario has none."""
    targets = run.result.targets if run.result else []
    return next((target.limit for target in targets if target.name.startswith("response")), None)


def reservations(run: Run) -> list[str]:
    """What does not make a run invalid by itself, but belongs beside its figures."""
    found = []
    if not run.has_answers:
        found.append("Prometheus was not asked: what rests on PromQL is missing")
    found += [
        f"counters of {s.labels.get('job')}/{s.labels.get('instance')} restarted within the window: its counts are "
        "lower bounds"
        for s in run.answers.samples("meta.restarts")
        if s.value
    ]
    failed = sum(s.value or 0 for s in run.answers.samples("meta.failed_scrapes"))
    if failed:
        found.append(f"{failed:.0f} readings of a process failed within the window")
    found += [
        f"PromQL's {c.name} of “{name}” does not fit the exact one ({c.agreement})"
        for name, comparisons in measured_twice(run).items()
        for c in comparisons
        if c.disagrees
    ]
    if run.info.workload_changed:
        found.append(f"not the default workload: {', '.join(run.info.workload_changed)} differ")
    if run.info.git_dirty:
        found.append("the code had changes that no revision holds")
    return found
