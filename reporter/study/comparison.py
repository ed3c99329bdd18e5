"""Is one set of runs better than another? By a figure that was named before, at a stated confidence."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from statistics import fmean

from contract.errors import ReelbenchError, UsageError
from reporter.runs import Run
from reporter.statistics import CONFIDENCE, sample_floor
from reporter.study.inference import Inference, cliffs_delta, contrast, holm, jackknife
from reporter.study.measures import MEASURES, PRIMARY, Better, JobMeasure, Measure, Sample, pooled, sample
from reporter.study.sets import RunSet

GATE = 0.99
"""Confidence of a verdict unless another is asked for: a gate that is wrong once in twenty times is switched off."""


class UndecidableError(ReelbenchError):
    """Nothing is left to be compared."""

    exit_code = 3


Pair = tuple[Sample, Sample]


class Word(StrEnum):
    BETTER = "better"
    WORSE = "worse"
    NO_DIFFERENCE = "no difference shown"
    UNDECIDED = "undecided"
    """Fewer than two runs on a side show no spread, and a figure that nobody measured shows nothing."""


@dataclass(frozen=True, slots=True)
class Row:
    """One figure of both sets. `difference` is B − A, `ratio` the logarithm of B / A; None is "no data".

    `effect` is Cliff's delta of the jobs: how much more often B's is the larger of two. `p` counts as it does among the
    other rows; that of the primary figure stands alone.
    """

    measure: Measure
    a: float | None
    b: float | None
    difference: Inference | None
    ratio: Inference | None
    effect: float | None
    p: float | None
    word: Word

    def ratio_interval(self, confidence: float = CONFIDENCE) -> tuple[float, float, float] | None:
        """B / A, and its interval."""
        if self.ratio is None:
            return None
        low, high = self.ratio.interval(confidence)
        return math.exp(self.ratio.value), math.exp(low), math.exp(high)


@dataclass(frozen=True, slots=True)
class Comparison:
    """`pairs` is how many seeds both sets share, each with a run in either; 0 where runs have no partners."""

    a: RunSet
    b: RunSet
    rows: Sequence[Row]
    primary: str
    pairs: int
    confidence: float

    @property
    def verdict(self) -> Row:
        return next(row for row in self.rows if row.measure.name == self.primary)

    def row(self, name: str) -> Row:
        return next(row for row in self.rows if row.measure.name == name)


def compare(
    a: RunSet,
    b: RunSet,
    primary: str = PRIMARY,
    measures: Sequence[Measure] = MEASURES,
    confidence: float = GATE,
) -> Comparison:
    """Runs of the same seed are partners, and their jobs of the same number too; without any, both sets stand alone.

    Raises UndecidableError where a set has no run that may be used, UsageError where there is no figure `primary`.
    """
    for one in (a, b):
        if not one.runs:
            raise UndecidableError(f"{one.name} has no run that may be used. {' '.join(one.left_out)}".strip())
    if primary not in {measure.name for measure in measures}:
        raise UsageError(f"There is no figure {primary!r}; there are: {', '.join(one.name for one in measures)}.")
    pairs = partners(a.runs, b.runs)
    if pairs:
        a, b = _only(a, [one for one, _ in pairs]), _only(b, [other for _, other in pairs])
    rows = [
        row(measure, *([sample(measure, run) for run in side.runs] for side in (a, b)), paired=bool(pairs))
        for measure in measures
    ]
    return Comparison(a, b, judged(rows, primary, confidence), primary, len(pairs), confidence)


def partners(a: Sequence[Run], b: Sequence[Run]) -> list[tuple[Run, Run]]:
    """Runs of the same seed; where a seed comes several times, in the order in which they were made."""
    waiting: dict[int, list[Run]] = {}
    for run in sorted(b, key=lambda one: one.ended):
        waiting.setdefault(run.info.seed, []).append(run)
    return [
        (run, waiting[run.info.seed].pop(0))
        for run in sorted(a, key=lambda one: one.ended)
        if waiting.get(run.info.seed)
    ]


def _only(whole: RunSet, runs: Sequence[Run]) -> RunSet:
    alone = [f"{run.info.id} (seed {run.info.seed}) has no partner" for run in whole.runs if run not in runs]
    return RunSet(whole.name, runs, [*whole.left_out, *alone])


def row(measure: Measure, one: Sequence[Sample], other: Sequence[Sample], *, paired: bool) -> Row:
    """Not judged yet. With `paired`, samples in the same place are those of partners."""
    if paired:
        pairs = [_shared(pair) for pair in zip(one, other, strict=True)]
        one, other = [list(side) for side in zip(*pairs, strict=True)]
        difference, ratio = (jackknife(pairs, _of_pairs(measure, how)) for how in (_minus, _log_ratio))
    else:
        difference = contrast(one, other, lambda side: pooled(measure, side))
        ratio = contrast(one, other, lambda side: _log(pooled(measure, side)))
    if not supported(measure, one, other):
        difference = ratio = None
    if difference is not None and measure.name == "success_rate":
        difference = replace(difference, error=max(difference.error, _binomial_error(one, other)))
    return Row(
        measure=measure,
        a=pooled(measure, one),
        b=pooled(measure, other),
        difference=difference,
        ratio=ratio,
        effect=_effect(measure, one, other),
        p=None if difference is None else difference.p,
        word=Word.UNDECIDED,
    )


def supported(measure: Measure, *sides: Sequence[Sample]) -> bool:
    """Whether there are as many jobs as a percentile needs."""
    if measure.name != "response_p95":
        return True
    return all(sum(len(one.jobs or {}) for one in side) >= sample_floor(0.95) for side in sides)


def _binomial_error(*sides: Sequence[Sample]) -> float:
    """Of a difference of two shares. A few runs that lost as many jobs each would else look as if nothing varied."""
    squares = 0.0
    for side in sides:
        sums = [one.sums for one in side if one.sums is not None]
        good, n = (math.fsum(values) for values in zip(*sums, strict=True)) if sums else (0.0, 0.0)
        squares += good / n * (1 - good / n) / n if n else 0.0
    return math.sqrt(squares)


def _shared(pair: Pair) -> Pair:
    """Of partners only jobs that were done in both count: the jobs that one of them lost were not its quickest."""
    one, other = pair
    if one.jobs is None or other.jobs is None:
        return pair
    both = frozenset(one.jobs.keys() & other.jobs.keys())
    return one.among(both), other.among(both)


def _of_pairs(
    measure: Measure, how: Callable[[float, float], float | None]
) -> Callable[[Sequence[Pair]], float | None]:
    def figure(pairs: Sequence[Pair]) -> float | None:
        one, other = (pooled(measure, [pair[side] for pair in pairs]) for side in (0, 1))
        return None if one is None or other is None else how(one, other)

    return figure


def _minus(one: float, other: float) -> float:
    return other - one


def _log_ratio(one: float, other: float) -> float | None:
    return math.log(other / one) if one > 0 and other > 0 else None


def _log(value: float | None) -> float | None:
    return math.log(value) if value is not None and value > 0 else None


def _effect(measure: Measure, one: Sequence[Sample], other: Sequence[Sample]) -> float | None:
    if not isinstance(measure, JobMeasure) or measure.figure is not fmean:
        return None  # of a percentile it would say of the same jobs the same again
    return cliffs_delta(*([value for each in side for value in (each.jobs or {}).values()] for side in (one, other)))


def judged(rows: Sequence[Row], primary: str, confidence: float = GATE) -> list[Row]:
    """The primary figure by its own p; the others by what theirs are worth among each other."""
    others = [row for row in rows if row.measure.name != primary and row.p is not None]
    adjusted = dict(
        zip((row.measure.name for row in others), holm([row.p for row in others if row.p is not None]), strict=True)
    )
    ps = [adjusted.get(row.measure.name, row.p) for row in rows]
    return [replace(row, p=p, word=_word(row, p, confidence)) for row, p in zip(rows, ps, strict=True)]


def _word(row: Row, p: float | None, confidence: float) -> Word:
    if row.difference is None or p is None or row.difference.is_accident:
        return Word.UNDECIDED
    if p >= 1 - confidence:
        return Word.NO_DIFFERENCE
    less = row.difference.value < 0
    return Word.BETTER if less is (row.measure.better is Better.LOWER) else Word.WORSE
