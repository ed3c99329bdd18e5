"""What a few runs say of all that might be made: intervals and tests whose sample is the run.

The jobs of one run share its processes and its moment, so they are no independent sample of the service. Whatever a
figure is (a mean, a pooled percentile, a ratio of sums), its uncertainty is taken by leaving out one run at a time: the
delete-one-group jackknife (Tukey, Annals of Mathematical Statistics 29, 1958; Shao and Tu, "The Jackknife and
Bootstrap", 1995, section 2.3) with Student's t. For a mean of runs it is the ordinary t interval. A bootstrap over five
runs is too narrow for this: its 95 % percentile interval misses the truth once in six times (see the tests).
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import TypeVar

from reporter.statistics import CONFIDENCE

FEW = 4
"""Runs, or pairs of them, below which counts that differ by the same each time show nothing."""
T = TypeVar("T")
Figure = Callable[[Sequence[T]], float | None]


@dataclass(frozen=True, slots=True)
class Inference:
    """An estimate from `n` runs, or pairs of runs, with its standard error."""

    value: float
    error: float
    freedom: float
    n: int

    def interval(self, confidence: float = CONFIDENCE) -> tuple[float, float]:
        from scipy.special import stdtrit  # noqa: PLC0415 - takes a third of a second, which `--help` should not pay

        half = float(stdtrit(self.freedom, (1 + confidence) / 2)) * self.error
        return self.value - half, self.value + half

    @property
    def is_accident(self) -> bool:
        """Whether so few runs differ by so exactly the same that chance may well have done it: they show no spread."""
        return self.error == 0 and self.value != 0 and self.n < FEW

    @property
    def p(self) -> float:
        """Two-sided: how often chance alone is as far from 0."""
        if self.error == 0:
            return 1.0 if self.value == 0 else 0.0
        from scipy.special import stdtr  # noqa: PLC0415 - as above

        return 2 * float(stdtr(self.freedom, -abs(self.value) / self.error))


def jackknife(runs: Sequence[T], figure: Figure[T]) -> Inference | None:
    """Of a figure over all runs; None of fewer than two, or where the figure is unknown with one of them left out."""
    n, whole = len(runs), figure(runs)
    if n < 2 or whole is None:
        return None
    without = [figure([*runs[:i], *runs[i + 1 :]]) for i in range(n)]
    known = [value for value in without if value is not None]
    if len(known) < n:
        return None
    mean = fmean(known)
    squares = math.fsum((value - mean) ** 2 for value in known)
    # what differs in the last bits only does not differ
    error = 0.0 if math.isclose(max(known), min(known), rel_tol=1e-12) else math.sqrt((n - 1) / n * squares)
    return Inference(whole, error, n - 1, n)


def contrast(a: Sequence[T], b: Sequence[T], figure: Figure[T]) -> Inference | None:
    """Figure of `b` minus figure of `a`, of runs that have no partners: Welch's t (Biometrika 34, 1947)."""
    one, other = jackknife(a, figure), jackknife(b, figure)
    if one is None or other is None:
        return None
    first, second = one.error**2, other.error**2
    error, freedom = math.sqrt(first + second), float(one.n + other.n - 2)
    if error > 0:
        freedom = (first + second) ** 2 / (first**2 / one.freedom + second**2 / other.freedom)
    return Inference(other.value - one.value, error, freedom, min(one.n, other.n))


def holm(ps: Sequence[float]) -> list[float]:
    """Each p as it counts among the others, so that of all of them together few are too small by chance (Holm,
    Scandinavian Journal of Statistics 6, 1979). In the order given.
    """
    order = sorted(range(len(ps)), key=lambda i: ps[i])
    adjusted, highest = [0.0] * len(ps), 0.0
    for rank, i in enumerate(order):
        highest = max(highest, min(1.0, (len(ps) - rank) * ps[i]))
        adjusted[i] = highest
    return adjusted


def cliffs_delta(a: Sequence[float], b: Sequence[float]) -> float | None:
    """Share of pairs in which `b` is the larger, minus the share in which `a` is (Cliff, Psychological Bulletin 114,
    1993): from -1 to 1. None without values.
    """
    if not a or not b:
        return None
    import numpy as np  # noqa: PLC0415 - not for `--help` to pay

    ordered = np.sort(np.asarray(a))
    below = np.searchsorted(ordered, b, side="left").sum()
    above = (len(a) - np.searchsorted(ordered, b, side="right")).sum()
    return float(below - above) / (len(a) * len(b))
