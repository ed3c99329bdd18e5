"""A scenario that was run several times: `repeats.md`, with what differs from run to run."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import fmean, stdev

from contract.runfolder import RUN, Target, Verdict
from contract.runset import RUNS, Member, SetInfo
from reporter.markdown import NO_DATA, NONE, document, literal, millis, percent, table
from reporter.runs import Run
from reporter.sections.headline import amount as target_amount
from reporter.sections.headline import target_title
from reporter.stamp import stamp
from reporter.statistics import percentile, sample_floor
from reporter.study import words
from reporter.study.inference import Inference, jackknife
from reporter.study.measures import MEASURES, JobMeasure, Measure, pooled, sample
from reporter.study.sets import read_set, run_set

REPEATS = "repeats.md"
PERCENTILES = {"P50": 0.5, "P95": 0.95, "P99": 0.99}
BEYOND = 14.5
"""Jobs that have to lie beyond a percentile for its interval: of fewer it holds the truth too seldom."""
METHOD = (
    "Each run has a stack, a seed and so planned latencies and arrivals of its own; the seeds follow from the first. "
    "The sample is the run: means, standard deviations (n − 1), coefficients of variation and Student's t intervals "
    "are over runs. Percentiles are the nearest rank of all jobs of all runs together, never an average of "
    "percentiles, and their intervals come from leaving out one run at a time (jackknife, Student's t). Runs that are "
    "INVALID or could not be made are named above and are in no figure."
)


@dataclass(frozen=True, slots=True)
class Repeated:
    """A figure by run; `over_runs` is their mean with its error."""

    measure: Measure
    values: Sequence[float]
    over_runs: Inference | None

    @property
    def deviation(self) -> float | None:
        return stdev(self.values) if len(self.values) > 1 else None

    @property
    def variation(self) -> float | None:
        """Standard deviation as a share of the mean."""
        mean = fmean(self.values)
        return None if self.deviation is None or not mean else self.deviation / abs(mean)


def repeated(runs: Sequence[Run]) -> list[Repeated]:
    """Of every figure but percentiles that each of the runs has."""
    found = []
    for measure in MEASURES:
        if isinstance(measure, JobMeasure) and measure.figure is not fmean:
            continue
        values = [pooled(measure, [sample(measure, run)]) for run in runs]
        known = [value for value in values if value is not None]
        if known and len(known) == len(values):
            found.append(Repeated(measure, known, jackknife(known, fmean)))
    return found


def write_repeats(folder: Path) -> Path:
    """`repeats.md` in a set's folder, and its figures in `figures/` there. Raises UsageError where it is no set's."""
    info = read_set(folder)
    sections = [part for rung in _rungs(folder, info) for part in _sections(folder, info, rung)]
    path = folder / REPEATS
    text = document(f"{info.title}: {info.repeats} times", [("", _runs(folder, info)), *sections, ("Method", [METHOD])])
    path.write_text(text, encoding="utf-8")
    return path


def headline(folder: Path) -> list[str]:
    """For the terminal: how many runs there are, and the main figures over them."""
    info = read_set(folder)
    lines = [_counted(folder, info)]
    for rung in _rungs(folder, info):
        for one in repeated(run_set(info.id, [folder], rung).runs)[:4]:
            at = f"{rung}: " if rung else ""
            lines.append(f"{at}{one.measure.title}: {_mean(one)}, CV {percent(one.variation)}")
    return lines


def _rungs(folder: Path, info: SetInfo) -> list[str | None]:
    made = _made(folder, info)
    if not made:
        return []
    first = Run.load(folder / RUNS / made[0].run)
    return [part.info.rung for part in first.rungs] or [None]


def _made(folder: Path, info: SetInfo) -> list[Member]:
    """Whose folders are there."""
    return [one for one in info.members if one.broken is None and (folder / RUNS / one.run / RUN).exists()]


def _counted(folder: Path, info: SetInfo) -> str:
    made = [Run.load(folder / RUNS / member.run) for member in _made(folder, info)]
    told = [f"{n} {word}" for word, n in Counter(stamp(run).word for run in made).items()]
    told.append(f"{sum(run.result is not None and run.result.verdict is Verdict.FAIL for run in made)} missed a target")
    if broken := len(info.members) - len(made):
        told.append(f"{broken} could not be made or are gone")
    if missing := info.repeats - len(info.members):
        told.append(f"{missing} not begun")
    return f"{info.repeats} runs: {', '.join(told)}"


def _runs(folder: Path, info: SetInfo) -> list[str]:
    rows = [_run_row(folder, member) for member in info.members]
    return [
        f"Scenario `{info.name}`, base seed {info.seed}. {_counted(folder, info)}.",
        table(("Run", "Seed", "Stamp", "Verdict", "Why"), rows, "lrlll"),
    ]


def _run_row(folder: Path, member: Member) -> tuple[str, ...]:
    name, seed = f"`{member.run}`", str(member.seed)
    if member.broken is not None:
        return name, seed, "not made", NONE, _told(member.broken)
    if not (folder / RUNS / member.run / RUN).exists():
        return name, seed, "gone", NONE, ""
    run = Run.load(folder / RUNS / member.run)
    found = stamp(run)
    return name, seed, str(found.word), str(run.result.verdict) if run.result else NONE, _told("; ".join(found.reasons))


def _told(text: str) -> str:
    """The words of an error in a cell, whose pipes the table escapes."""
    return literal(text).replace(r"\|", "|")


def _sections(folder: Path, info: SetInfo, rung: str | None) -> list[tuple[str, list[str]]]:
    runs, at = run_set(info.id, [folder], rung).runs, f", {rung}" if rung else ""
    found = repeated(runs)
    if not found:
        return [(f"Over runs{at}", [f"{NO_DATA.capitalize()}: no run may be used."])]
    headers = ("Figure", "Runs", "Mean", "SD", "CV", "95 % interval of the mean", "Lowest", "Highest")
    over_runs = [table(headers, [_row(one) for one in found], "lrrrrrrr")]
    if len(runs) > 1:
        path = _drawn(found, folder / "figures" / f"repeats{f'_{rung}' if rung else ''}.svg")
        over_runs.append(f"![Each run's figure in % of the mean over runs](figures/{path.name})")
    return [
        (f"Over runs{at}", over_runs),
        (f"Response time, percentiles of all jobs{at}", [_percentiles(runs)]),
        (f"Targets{at}", [_targets(runs)]),
    ]


def _drawn(found: Sequence[Repeated], path: Path) -> Path:
    from reporter.figures.effects import spread  # noqa: PLC0415 - matplotlib takes a second

    means = [(one, fmean(one.values)) for one in found]
    rows = [(one.measure.title, [100 * value / mean for value in one.values]) for one, mean in means if mean]
    return spread(rows, "% of the mean over runs", path)


def _row(one: Repeated) -> tuple[str, ...]:
    measure = one.measure
    return (
        measure.title,
        str(len(one.values)),
        words.amount(measure, fmean(one.values)),
        words.amount(measure, one.deviation),
        percent(one.variation),
        words.interval(measure, one.over_runs),
        words.amount(measure, min(one.values)),
        words.amount(measure, max(one.values)),
    )


def _mean(one: Repeated) -> str:
    return f"{words.amount(one.measure, fmean(one.values))} ({words.interval(one.measure, one.over_runs)})"


def _percentiles(runs: Sequence[Run]) -> str:
    responses = [run.responses for run in runs]
    jobs = sum(map(len, responses))
    rows = []
    for name, q in PERCENTILES.items():
        if jobs < sample_floor(q):
            rows.append((name, str(jobs), f"{NO_DATA}: {sample_floor(q)} jobs are needed", NO_DATA))
            continue
        found = jackknife(responses, partial(_pooled, q)) if (1 - q) * jobs >= BEYOND else None
        interval = NO_DATA if found is None else " to ".join(millis(end) for end in found.interval())
        rows.append((name, str(jobs), millis(_pooled(q, responses)), interval))
    return table(("Percentile", "Jobs", "Of all jobs", "95 % interval"), rows, "lrrr")


def _pooled(q: float, responses: Sequence[Sequence[float]]) -> float | None:
    values = [value for run in responses for value in run]
    return percentile(values, q) if values else None


def _targets(runs: Sequence[Run]) -> str:
    """How often each was met, and how near it came."""
    met: dict[tuple[str, str], list[Target]] = {}
    for run in runs:
        for target in run.result.targets if run.result else []:
            met.setdefault((target.name, f"{target.op} {target_amount(target.limit, target.unit)}"), []).append(target)
    rows = []
    for (_, limit), targets in met.items():
        known = [target.value for target in targets if target.value is not None]
        ends = [target_amount(end, targets[0].unit) for end in (min(known), max(known))] if known else [NO_DATA] * 2
        passed = sum(target.passed for target in targets)
        rows.append((target_title(targets[0]), limit, f"{passed} of {len(targets)}", *ends))
    return table(("Target", "Limit", "Met in", "Lowest", "Highest"), rows, "lrrrr") if rows else "No targets."
