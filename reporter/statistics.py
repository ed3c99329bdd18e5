"""Figures from exact records, and how far a sample supports them.

A percentile is the nearest rank everywhere: the smallest record that at least q·n records do not exceed (the inverse
of the empirical distribution; definition 1 of Hyndman and Fan, "Sample Quantiles in Statistical Packages", The
American Statistician 50, 1996). Prometheus looks for its quantile in the first bucket whose cumulative count reaches
q·n, which is the bucket that holds the nearest rank; so the two can be compared without a doubt about definitions.
"""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

CONFIDENCE = 0.95


def percentile(values: Sequence[float], q: float) -> float:
    """Nearest rank of `q` in (0, 1]. Raises ValueError without values."""
    if not values:
        raise ValueError("a percentile needs at least one value")
    rank = math.ceil(Fraction(str(q)) * len(values))
    return sorted(values)[rank - 1]


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
    tail = (1 - confidence) / 2
    lower = 0.0 if successes == 0 else _beta_quantile(tail, successes, n - successes + 1)
    upper = 1.0 if successes == n else _beta_quantile(1 - tail, successes + 1, n - successes)
    return lower, upper


def _beta_quantile(p: float, a: float, b: float) -> float:
    low, high = 0.0, 1.0
    while (middle := (low + high) / 2) not in (low, high):
        if regularised_beta(middle, a, b) < p:
            low = middle
        else:
            high = middle
    return middle


def regularised_beta(x: float, a: float, b: float) -> float:
    """I_x(a, b); the chance of at least k successes in n trials of probability x is I_x(k, n - k + 1).

    Continued fraction 8.17.22 of the NIST Digital Library of Mathematical Functions, evaluated by Lentz's method.
    """
    if x <= 0 or x >= 1:
        return 0.0 if x <= 0 else 1.0
    if x > (a + 1) / (a + b + 2):  # where the fraction converges slowly; DLMF 8.17.4
        return 1 - regularised_beta(1 - x, b, a)
    log_front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    return math.exp(log_front) / a * _beta_fraction(x, a, b)


def _beta_fraction(x: float, a: float, b: float) -> float:
    """1 / (1 + d1 / (1 + d2 / (1 + ...))) with the coefficients of DLMF 8.17.23."""
    precise, terms = 1e-15, 10_000
    c = 1.0
    d = result = 1 / _away_from_zero(1 - (a + b) * x / (a + 1))
    for m in range(1, terms):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for coefficient in (even, odd):
            d = 1 / _away_from_zero(1 + coefficient * d)
            c = _away_from_zero(1 + coefficient / c)
            result *= c * d
        if abs(c * d - 1) < precise:
            return result
    raise ArithmeticError(f"the incomplete beta function of ({x}, {a}, {b}) does not converge")


def _away_from_zero(value: float) -> float:
    tiny = 1e-300
    return tiny if abs(value) < tiny else value


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
