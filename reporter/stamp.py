"""May a run's figures be used? The stamp on a report, its reasons, and what a reader should know besides."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from contract.calls import Provider
from contract.jobs import Outcome, Stage
from contract.runfolder import Target, Verdict
from reporter.calibration import Agreement, Comparison, measured_twice
from reporter.markdown import NOT_RUN
from reporter.runs import Run
from reporter.statistics import binomial_interval, sample_floor

MOST_NAMED = 3
"""Of what is alike (processes, rungs), how many are named one by one."""
SHARES = {
    "success_rate": "success rate",
    "delivered_rate": "share of jobs delivered",
    "success_after": "success after repair",
    "job_recovery": "recovery of jobs",
    "call_recovery": "recovery of calls",
}
"""Targets of which each of `n` jobs or calls is or is not, in words."""
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
    few = tuple(reason for target in run.result.targets if (reason := too_few(target)))
    return Stamp(Word.UNDER_SAMPLED, few) if few else Stamp(Word.VALID)


def usable(run: Run | None) -> bool:
    """May figures of this run be quoted, and anything be derived from them?"""
    return run is not None and stamp(run).word is not Word.INVALID


def unquotable(run: Run | None) -> str | None:
    """What stands in place of a figure that may not be quoted; None where it may be."""
    if run is None:
        return NOT_RUN
    return None if usable(run) else f"no figure, the run is {Word.INVALID}"


def worst(stamps: Iterable[Stamp]) -> Stamp:
    order = list(Word)
    return max(stamps, key=lambda found: order.index(found.word), default=Stamp(Word.INVALID, ("no run was given",)))


def too_few(target: Target) -> str | None:
    """Why the sample does not carry this target; None where it does."""
    at = f" of {target.rung}" if target.rung else ""
    interval = interval_of(target)
    if interval and interval[0] < target.limit < interval[1]:
        low, high = interval
        return (
            f"the exact 95 % interval of the {SHARES[target.name]}{at}, {low * 100:.1f}–{high * 100:.1f} %, includes "
            f"its target of {target.limit * 100:g} %: more jobs would decide"
        )
    q = PERCENTILES.get(target.name.rpartition("_")[2])
    if q is not None and target.n is not None and target.n < sample_floor(q):
        return f"{target.name}{at} rests on n = {target.n}, where {sample_floor(q)} are needed"
    return None


def interval_of(target: Target) -> tuple[float, float] | None:
    """The exact 95 % interval of a share that was judged; None for any other target and where it is a share of none."""
    if target.name not in SHARES or target.value is None or not target.n:
        return None
    return binomial_interval(round(target.value * target.n), target.n)


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
    for part in run.parts:
        at = f"{part.info.rung}: " if run.rungs else ""
        found += [f"{at}{note}" for note in _of_part(part)]
    found += run.result.notes if run.result else []
    if run.info.workload_changed:
        found.append(f"not the default workload: {', '.join(run.info.workload_changed)} differ")
    if run.info.foreign:
        found.append(
            "the target is somebody else's: its ledger was not asked, its processes were not watched, and the workload "
            "is what this machine takes for its"
        )
    if run.info.git_dirty:
        found.append("the code had changes that no revision holds")
    return found


def _of_part(run: Run) -> list[str]:
    found = []
    if not run.has_answers:
        found.append("Prometheus was not asked: what rests on PromQL is missing")
    restarted = [
        f"{s.labels.get('job')}/{s.labels.get('instance')}" for s in run.answers.samples("meta.restarts") if s.value
    ]
    if restarted:
        found.append(f"counters of {_few(restarted)} restarted within the window: their counts are lower bounds")
    failed = sum(s.value or 0 for s in run.answers.samples("meta.failed_scrapes"))
    if failed:
        found.append(f"{failed:.0f} readings of a process failed within the window")
    if run.faults:
        found.append(
            "faults met the processes: PromQL's histograms hold executions that came to nothing, and lack what a "
            "process counted last before it ended"
        )
        return found
    told = {name: _disagreements(name, comparisons) for name, comparisons in measured_twice(run).items()}
    for note, names in _one_sided(run):
        spoilt = [sentence for name in names for sentence in told.pop(name, [])]
        found += [note] if spoilt else []
    return [*found, *(sentence for sentences in told.values() for sentence in sentences)]


def _few(names: Sequence[str]) -> str:
    more = len(names) - MOST_NAMED
    return ", ".join(names) if more <= 0 else f"{', '.join(names[:MOST_NAMED])} and {more} more"


def _one_sided(run: Run) -> list[tuple[str, list[str]]]:
    """What a histogram may hold and records cannot, with the names of the comparisons that it spoils."""
    planned, taken = [f"{p} planned" for p in Provider], [f"{p} taken" for p in Provider]
    found = []
    if run.outcomes()[Outcome.CANCELLED]:
        note = "jobs were cancelled: PromQL's histograms hold their stages and calls, of which no record is kept"
        found.append((note, [*planned, *taken, *(f"stage {stage}" for stage in Stage)]))
    if run.info.provider_faults:
        note = (
            "faults met provider calls: of one that failed no planned latency is on record, while the mocks' histogram "
            "may hold it"
        )
        found.append((note, planned))
    return found


def _disagreements(name: str, comparisons: Sequence[Comparison]) -> list[str]:
    if any(c.agreement is Agreement.DIFFERENT_N for c in comparisons):
        counts = {(c.exact.n, c.n_promql) for c in comparisons if c.exact is not None}
        told = ", ".join(f"{promql} for {exact} records" for exact, promql in sorted(counts, key=str))
        return [f"PromQL counts another n of “{name}” ({told}), so its percentiles are of something else"]
    return [
        f"PromQL's {c.name} of “{name}” does not fit the exact one ({c.agreement})" for c in comparisons if c.disagrees
    ]
