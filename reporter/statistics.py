"""Figures from exact records, and how far a sample supports them.

A percentile is the nearest rank everywhere: the smallest record that at least q·n records do not exceed (the inverse
of the empirical distribution; definition 1 of Hyndman and Fan, "Sample Quantiles in Statistical Packages", The
American Statistician 50, 1996). Prometheus looks for its quantile in the first bucket whose cumulative count reaches
q·n, which is the bucket that holds the nearest rank; so the two can be compared without a doubt about definitions.
"""

import math
import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeVar

Item = TypeVar("Item")

CONFIDENCE = 0.95


def total(values: Iterable[float | None]) -> float | None:
    """The sum; unknown where one of them is, or where there is none."""
    found = list(values)
    known = [value for value in found if value is not None]
    return math.fsum(known) if known and len(known) == len(found) else None


def percentile(values: Sequence[float], q: float) -> float:
    """Nearest rank of `q` in (0, 1]. Raises ValueError without values."""
    return at_percentile(values, q, lambda value: value)


def at_percentile(items: Sequence[Item], q: float, value: Callable[[Item], float]) -> Item:
    """The item whose value is percentile `q` of all, likewise."""
    if not items:
        raise ValueError("a percentile needs at least one value")
    rank = math.ceil(Fraction(str(q)) * len(items))
    return sorted(items, key=value)[rank - 1]


def sample_floor(q: float, confidence: float = CONFIDENCE) -> int:
    """How many samples it takes for their maximum to be an upper bound of percentile `q` with this confidence.

    The maximum of n independent samples lies below percentile q with probability q**n: 59 for P95, 299 for P99.
    """
    return math.ceil(math.log(1 - confidence) / math.log(q))


@dataclass(frozen=True, slots=True)
class Percentile:
    """A percentile, or the maximum in its place where `n` is below the floor."""

    q: float
    n: int
    value: float

    @property
    def supported(self) -> bool:
        return self.n >= sample_floor(self.q)

    @property
    def name(self) -> str:
        return f"P{self.q * 100:g}"


def supported_percentile(values: Sequence[float], q: float) -> Percentile | None:
    """Percentile `q`, the maximum where the sample is too small for it, None without values."""
    if not values:
        return None
    supported = len(values) >= sample_floor(q)
    return Percentile(q, len(values), percentile(values, q) if supported else max(values))


@dataclass(frozen=True, slots=True)
class Summary:
    """`stddev` is the sample's (n - 1), None for a single value."""

    n: int
    minimum: float
    mean: float
    stddev: float | None
    maximum: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Summary | None":
        """None without values."""
        if not values:
            return None
        stddev = statistics.stdev(values) if len(values) > 1 else None
        return cls(len(values), min(values), statistics.fmean(values), stddev, max(values))


def binomial_interval(successes: int, n: int, confidence: float = CONFIDENCE) -> tuple[float, float] | None:
    """The exact two-sided interval of Clopper and Pearson (Biometrika 26, 1934); None without trials."""
    if not 0 <= successes <= n:
        raise ValueError(f"{successes} of {n} is no share")
    if n == 0:
        return None
    from scipy.special import betaincinv  # noqa: PLC0415 - takes a third of a second, which `--help` should not pay

    tail = (1 - confidence) / 2
    lower = 0.0 if successes == 0 else float(betaincinv(successes, n - successes + 1, tail))
    upper = 1.0 if successes == n else float(betaincinv(successes + 1, n - successes, 1 - tail))
    return lower, upper


@dataclass(frozen=True, slots=True)
class Estimate:
    """With its 95 % interval, from `n` pairs."""

    value: float
    low: float
    high: float
    n: int

    @property
    def clear(self) -> bool:
        """Whether the interval excludes 0."""
        return self.low > 0 or self.high < 0


def paired_mean(pairs: Sequence[tuple[float, float]], confidence: float = CONFIDENCE) -> Estimate | None:
    """Of second minus first, with Student's t interval; None of fewer than two pairs, which show no spread."""
    differences = [second - first for first, second in pairs]
    if len(differences) < 2:
        return None
    from scipy.special import stdtrit  # noqa: PLC0415 - as above

    n, mean = len(differences), statistics.fmean(differences)
    half = float(stdtrit(n - 1, (1 + confidence) / 2)) * statistics.stdev(differences) / math.sqrt(n)
    return Estimate(mean, mean - half, mean + half, n)


def jobs_needed(share: float, limit: float, most: int = 5_000) -> int | None:
    """The fewest trials whose exact 95 % interval, at this share of successes, leaves `limit` out; None over `most`."""
    for n in range(1, most + 1):
        interval = binomial_interval(round(share * n), n)
        if interval and not interval[0] < limit < interval[1]:
            return n
    return None


@dataclass(frozen=True, slots=True)
class Bucket:
    """(low, high]; `high` may be infinite. A quantile read from a histogram is known only to lie in here."""

    low: float
    high: float

    def holds(self, value: float, tolerance: float = 1e-6) -> bool:
        """`tolerance` in the values' own unit forgives the rounding of a record to microseconds."""
        return self.low - tolerance <= value <= self.high + tolerance


def bucket_of_quantile(cumulative: Sequence[tuple[float, float]], q: float) -> Bucket | None:
    """The bucket in which quantile `q` lies, from (upper bound, cumulative count) pairs; None where all are empty.

    As in Prometheus, the first bucket starts at 0.
    """
    ordered = sorted(cumulative)
    if not ordered or ordered[-1][1] <= 0:
        return None
    rank = q * ordered[-1][1]
    low = 0.0
    for high, count in ordered:
        if count >= rank:
            return Bucket(low, high)
        low = high
    return None


def highest_bucket(cumulative: Sequence[tuple[float, float]]) -> Bucket | None:
    """The bucket that holds the maximum."""
    return bucket_of_quantile(cumulative, 1.0)
