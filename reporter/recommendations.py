"""What the figures suggest doing. Each sentence holds the figure that it was derived from, each rule is a function."""

from collections.abc import Iterator, Mapping, Sequence

from reporter.breakdown import OVERHEAD_TITLES, breakdowns
from reporter.limits import Kind, limit
from reporter.markdown import figure, millis, percent
from reporter.rungs import Rung
from reporter.runs import Run
from reporter.scalability import Fit
from reporter.stamp import SHARES, interval_of, too_few, usable
from reporter.statistics import jobs_needed, percentile

LONG_PART = 0.010
"""Seconds: a part of the overhead with a longer median is worth a look."""
NEAR = 0.5
"""Share of its limit from which on a latency is near it."""
MUCH = 0.25
"""Share of the machine in others' use from which on they may have changed the figures."""
UNSEEN = " (a fall beyond it was not measured; a plateau looks the same up to there)"

RULES = (
    f"Rules: a load that CPU or the slots limit; others' use of the machine from {percent(MUCH, 0)} on; a knee whose "
    f"interval excludes “none”; a part of the overhead over {millis(LONG_PART)} in `single`; an API P95 from "
    f"{percent(NEAR, 0)} of its limit on; a missed target; a sample too small for its target."
)


def recommendations(
    runs: Mapping[str, Run], ladders: Mapping[str, Sequence[Rung]], fit: Fit | None
) -> tuple[list[str], list[str]]:
    """The sentences, and the scenarios that were left out because their run is INVALID.

    `ladders` are the figures of the runs in `runs` that have any; `fit` is that of the scenario `concurrent`.
    """
    good = {scenario: run for scenario, run in runs.items() if usable(run)}
    found: list[str] = []
    for scenario, rungs in ladders.items():
        if scenario in good:
            found += [*_processors(scenario, rungs), *_slots(scenario, rungs), *_others(scenario, rungs)]
    if fit is not None and "concurrent" in good:
        found += _knee(fit)
    if "single" in good:
        found += _overhead(good["single"])
    for run in good.values():
        found += [*_api(run), *missed(run), *samples(run)]
    return found, [scenario for scenario in runs if scenario not in good]


def _processors(scenario: str, rungs: Sequence[Rung]) -> Iterator[str]:
    """At the lowest load that CPU limits."""
    for rung in rungs:
        if limit(rung).kind is Kind.CPU and rung.cost and rung.busy and rung.cores_used and rung.cores:
            parts = ", ".join(f"{title} {millis(spent)}" for title, spent in rung.cost.largest()[:3])
            yield (
                f"CPU limits `{scenario}` from {rung.load} on (machine {percent(rung.busy)} busy, "
                f"{rung.cores_used:.2f} of {rung.cores} cores by our processes). A job costs the service "
                f"{millis(rung.cost.service)} of CPU, of which {parts}: add cores, or make "
                f"{rung.cost.largest()[0][0]} cheaper first."
            )
            return


def _slots(scenario: str, rungs: Sequence[Rung]) -> Iterator[str]:
    for rung in rungs:
        if limit(rung).kind is Kind.SLOTS and rung.queue_wait is not None and rung.in_flight is not None:
            yield (
                f"The workers' {rung.slots} slots are used up in `{scenario}` at {rung.load}: "
                f"{rung.in_flight:.1f} jobs are in flight on average and the median job waits "
                f"{millis(rung.queue_wait)} for a slot. Raise the slots or the number of workers."
            )
            return


def _others(scenario: str, rungs: Sequence[Rung]) -> Iterator[str]:
    """Where it was worst."""
    known = [(share, rung) for rung in rungs if (share := rung.used_by_others) is not None and share >= MUCH]
    if known:
        share, rung = max(known, key=lambda one: one[0])
        yield (
            f"{percent(share)} of the machine were used by other processes than ours in `{scenario}` at {rung.load} "
            "(Redis, Prometheus and whatever else ran): repeat it on a quiet machine before comparing its figures."
        )


def _knee(fit: Fit) -> Iterator[str]:
    knee = fit.knee
    if knee is not None:
        yield (
            f"The fitted throughput is highest at {knee.value:.0f} users (95 % interval {knee.low:.0f} to "
            f"{knee.high:.0f}), with {fit.predict(knee.value).value:.1f} jobs/s{'' if fit.fell else UNSEEN}: more jobs "
            "at once only wait longer, so admit no more."
        )


def _overhead(run: Run) -> Iterator[str]:
    found = breakdowns(run.measured)
    for name, title in OVERHEAD_TITLES.items():
        median = percentile([job.overhead[name] for job in found], 0.5) if found else 0.0
        if median > LONG_PART:
            yield (
                f"The part “{title}” of the overhead has a median of {millis(median)} in `single` with the service to "
                f"itself, over {millis(LONG_PART)}: look there first for a shorter response time."
            )


def _api(run: Run) -> Iterator[str]:
    """The target that is nearest to its limit, over all rungs."""
    near = [
        (target.value / target.limit, target)
        for target in (run.result.targets if run.result else [])
        if target.name == "api_p95" and target.value is not None and NEAR * target.limit <= target.value < target.limit
    ]
    if near:
        share, target = max(near, key=lambda one: one[0])
        yield (
            f"The API's P95 of {millis(target.value)} in {_where(run, target.rung)} ({target.note or 'all endpoints'}) "
            f"is {percent(share, 0)} of its limit of {millis(target.limit)}: make room there before adding load."
        )


def missed(run: Run) -> Iterator[str]:
    for target in run.result.targets if run.result else []:
        if target.passed or target.value is None:
            continue
        shown = percent(target.value) if target.unit == "ratio" else figure(target.value, target.unit)
        limit_ = percent(target.limit) if target.unit == "ratio" else figure(target.limit, target.unit)
        yield f"`{target.name}` is {shown} in {_where(run, target.rung)} and misses its target of {target.op} {limit_}."


def samples(run: Run) -> Iterator[str]:
    """How many samples it takes: for the percentile, or at the observed share. Of several rungs the smallest sample."""
    short = [target for target in (run.result.targets if run.result else []) if too_few(target)]
    for name in dict.fromkeys(target.name for target in short):
        target = min((target for target in short if target.name == name), key=lambda target: target.n or 0)
        interval = interval_of(target)
        if interval is None or target.value is None:
            yield f"Take more samples in {_where(run, target.rung)}: {too_few(target)}."
            continue
        needed = jobs_needed(target.value, target.limit)
        what = "calls" if target.name == "call_recovery" else "jobs"
        advice = f"{needed} {what} would settle it at the same share" if needed else "the two are too close to settle"
        yield (
            f"The {SHARES[target.name]} of {_where(run, target.rung)} is {percent(target.value)} of {target.n} {what}, "
            f"interval {percent(interval[0])} to {percent(interval[1])}, which holds the target of "
            f"{percent(target.limit)}: {advice}."
        )


def _where(run: Run, rung: str | None) -> str:
    return f"`{run.info.scenario}`, {rung}" if rung else f"`{run.info.scenario}`"
