"""From figures to a verdict: invalid outranks fail, fail outranks pass, and each says why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from contract.process_faults import Target as FaultTarget
from contract.runfolder import Counts, Entry, Integrity, JobRecord, Result, RunInfo, Target, Verdict
from loadgen.books import sentences
from loadgen.history import Reconciliation
from loadgen.indicator import Indicator
from loadgen.scenario import Step, TargetSpec
from loadgen.users import LATE

MOST_LATE = 0.01
"""Share of arrivals that may be sent over LATE after they were due."""

BUSY = 0.9
"""Share of a core from which a load generator may be what limits a run."""

MOST_NAMED = 20
"""Calls that are named one by one."""

INTEGRITY_COUNTS = ("named", "sound", "jobs", "videos", "sound_videos")


@dataclass(frozen=True, slots=True)
class Figure:
    """An indicator's value; None is "no data". `note` is printed beside it."""

    value: float | None
    n: int | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that a verdict rests on. `deaths` are processes that ended although nothing of the run killed them."""

    info: RunInfo
    records: list[JobRecord]
    reconciliation: Reconciliation
    books: list[Entry]
    integrity: Integrity
    deaths: list[str]
    idle_faults: list[str] = field(default_factory=list)
    unexplained: list[str] = field(default_factory=list)
    """Calls of which the mocks and the workers tell different stories, in a sentence each."""


def judge(step: Step, evidence: Evidence, figures: Mapping[str, Figure]) -> Result:
    targets = [_target(spec, figures.get(spec.indicator, Figure(None))) for spec in step.targets]
    invalid = [
        *_validity(evidence),
        *_repetitions(step, evidence.reconciliation.counts),
        *(f"the fault {fault} never struck" for fault in evidence.idle_faults),
        *sentences(evidence.books),
        *_abridged(evidence.unexplained),
        *_losses(step, evidence),
        *(f"nobody of this run asked for the job {job_id}" for job_id in evidence.reconciliation.unexpected),
    ]
    missed = [_missed(target) for target in targets if not target.passed]
    return Result(
        scenario=step.scenario.name,
        seed=evidence.info.seed,
        verdict=Verdict.INVALID if invalid else Verdict.FAIL if missed else Verdict.PASS,
        reasons=[*invalid, *missed, *(f"lost: {loss}" for loss in evidence.integrity.losses)],
        notes=_notes(evidence.info),
        targets=targets,
        counts=evidence.reconciliation.counts,
        books=evidence.books,
        integrity=evidence.integrity,
    )


def _losses(step: Step, evidence: Evidence) -> list[str]:
    """Nothing that was acknowledged may be lost, unless that is what the scenario judges."""
    if any(spec.indicator is Indicator.LOSS_AGE for spec in step.targets):
        return []
    return [f"the job {job_id} was acknowledged and is lost" for job_id in evidence.reconciliation.lost]


def _abridged(sentences_: list[str]) -> list[str]:
    left = len(sentences_) - MOST_NAMED
    return sentences_ if left <= 0 else [*sentences_[:MOST_NAMED], f"and {left} more calls like these"]


def _repetitions(step: Step, counts: Counts) -> list[str]:
    explained = any(fault.target in {FaultTarget.WORKER, FaultTarget.REDIS} for fault in step.scenario.faults)
    if not counts.duplicated or explained or step.scenario.restarts:
        return []
    return [f"{counts.duplicated} executions came after the first of their job, and no fault asked for that"]


def _target(spec: TargetSpec, figure: Figure) -> Target:
    return Target(
        name=spec.indicator,
        value=figure.value,
        op=spec.op,
        limit=spec.limit,
        unit=spec.indicator.unit,
        passed=figure.value is not None and spec.op.holds(figure.value, spec.limit),
        n=figure.n,
        note=figure.note,
    )


def _missed(target: Target) -> str:
    unit = "" if target.unit == "ratio" else f" {target.unit}"
    value = "no data" if target.value is None else f"{target.value:.6g}{unit}"
    return f"{target.name} is {value}, the target is {target.op} {target.limit:g}{unit}"


def _notes(info: RunInfo) -> list[str]:
    """A busy generator makes no run invalid by itself: where it was too slow for a schedule, lateness says so. In a
    closed loop, which has none, its own work is part of the response times.
    """
    return [
        f"{name} used {busy:.0%} of a core: the load generator may be what limits here; GENERATORS="
        f"{info.generators + 1} spreads the load"
        for name, busy in info.generators_busy.items()
        if busy > BUSY
    ]


def _validity(evidence: Evidence) -> list[str]:
    info = evidence.info
    records = [record for record in evidence.records if not record.dropped]
    dropped = len(evidence.records) - len(records)
    found = []
    if dropped:
        found.append(f"{dropped} of {len(evidence.records)} arrivals were dropped: too many jobs were unfinished")
    late = sum(record.sent is None or record.sent - record.due > LATE for record in records)
    if late > MOST_LATE * len(records):
        found.append(f"{late} of {len(records)} requests were sent over {LATE * 1000:.0f} ms after they were due")
    if info.clock_skew is None:
        found.append("Prometheus's clock could not be compared with ours")
    elif abs(info.clock_skew) > info.scrape_interval:
        found.append(f"Prometheus's clock differs from ours by {info.clock_skew:.2f} s")
    return found + [f"the process {name} died that no fault killed" for name in evidence.deaths]


def combine(results: Sequence[tuple[str, Result]]) -> Result:
    """The result of a scenario from those of its steps, each with its name; the worst verdict counts."""
    order = [Verdict.PASS, Verdict.FAIL, Verdict.INVALID]
    steps = [result for _, result in results]
    return Result(
        scenario=steps[0].scenario,
        seed=steps[0].seed,
        verdict=max((result.verdict for result in steps), key=order.index),
        reasons=[f"{name}: {reason}" for name, result in results for reason in result.reasons],
        notes=[f"{name}: {note}" for name, result in results for note in result.notes],
        targets=[t.model_copy(update={"rung": name}) for name, result in results for t in result.targets],
        counts=Counts(**{name: sum(getattr(step.counts, name) for step in steps) for name in Counts.model_fields}),
        books=[e.model_copy(update={"name": f"{name}: {e.name}"}) for name, result in results for e in result.books],
        integrity=Integrity(
            **{name: sum(getattr(step.integrity, name) for step in steps) for name in INTEGRITY_COUNTS},
            losses=[loss for step in steps for loss in step.integrity.losses],
        ),
    )
