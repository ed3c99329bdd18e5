import math
from fractions import Fraction

import pytest

from reporter.statistics import (
    Bucket,
    Summary,
    binomial_interval,
    bucket_of_quantile,
    highest_bucket,
    paired_mean,
    percentile,
    sample_floor,
    supported_percentile,
)


@pytest.mark.parametrize(("q", "expected"), [(0.5, 50), (0.95, 95), (0.99, 99), (0.001, 1), (1.0, 100)])
def test_a_percentile_is_the_nearest_rank(q: float, expected: int) -> None:
    """Of 1 to 100 in any order, percentile q is the record of rank q·100, untouched by rounding."""
    assert percentile(list(range(100, 0, -1)), q) == expected


def test_the_median_of_an_even_number_is_a_record() -> None:
    assert percentile([4.0, 1.0, 3.0, 2.0], 0.5) == 2.0


def test_sample_floors_are_those_of_the_rules() -> None:
    """59 for P95 and 299 for P99: one sample fewer would not reach 95 %."""
    assert [sample_floor(q) for q in (0.5, 0.9, 0.95, 0.99)] == [5, 29, 59, 299]
    assert 1 - 0.95**59 >= 0.95 > 1 - 0.95**58


@pytest.mark.parametrize(("n", "supported", "value"), [(58, False, 58), (59, True, 57)])
def test_below_the_floor_the_maximum_stands_in(n: int, *, supported: bool, value: int) -> None:
    found = supported_percentile(list(range(1, n + 1)), 0.95)
    assert found is not None
    assert (found.supported, found.value, found.n) == (supported, value, n)


def test_no_values_have_no_figures() -> None:
    """Unknown is never 0."""
    assert supported_percentile([], 0.5) is None
    assert Summary.of([]) is None
    assert binomial_interval(0, 0) is None
    with pytest.raises(ValueError, match="at least one"):
        percentile([], 0.5)


def test_a_summary_uses_the_samples_own_deviation() -> None:
    """N - 1 in the denominator; a single value has no deviation."""
    found = Summary.of([2, 4, 4, 4, 5, 5, 7, 9])
    assert found is not None
    assert (found.n, found.minimum, found.mean, found.maximum) == (8, 2, 5, 9)
    assert found.stddev == pytest.approx(math.sqrt(32 / 7))
    alone = Summary.of([3.0])
    assert alone is not None
    assert alone.stddev is None


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [
        (20, 20, 0.8316, 1.0),
        (0, 10, 0.0, 0.3085),
        (57, 60, 0.8608, 0.9896),
        (60, 60, 0.9404, 1.0),
        (5, 10, 0.1871, 0.8129),
        (1, 1, 0.025, 1.0),
    ],
)
def test_exact_intervals_of_known_samples(successes: int, n: int, low: float, high: float) -> None:
    """Published values of Clopper and Pearson's interval at 95 %."""
    assert binomial_interval(successes, n) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize(("successes", "n"), [(3, 10), (57, 60), (290, 300), (150, 300)])
def test_the_bounds_leave_the_tails_they_promise(successes: int, n: int) -> None:
    """In exact arithmetic: at the lower bound, so many successes or more have a chance of 2.5 %; the upper likewise."""
    interval = binomial_interval(successes, n)
    assert interval is not None
    assert _at_least(n, successes, interval[0]) == pytest.approx(0.025, rel=1e-9)
    assert 1 - _at_least(n, successes + 1, interval[1]) == pytest.approx(0.025, rel=1e-9)


def _at_least(n: int, successes: int, chance: float) -> float:
    p = Fraction(chance)
    return float(sum(math.comb(n, i) * p**i * (1 - p) ** (n - i) for i in range(successes, n + 1)))


def test_large_samples_still_have_an_interval() -> None:
    low, high = binomial_interval(999_990, 1_000_000) or (0, 0)
    assert 0.99998 < low < 0.99999 < high < 1


def test_an_impossible_share_is_refused() -> None:
    with pytest.raises(ValueError, match="no share"):
        binomial_interval(4, 3)


CUMULATIVE = [(0.1, 0.0), (0.2, 10.0), (0.4, 19.0), (math.inf, 20.0)]


@pytest.mark.parametrize(
    ("q", "low", "high"), [(0.5, 0.1, 0.2), (0.51, 0.2, 0.4), (0.95, 0.2, 0.4), (0.99, 0.4, math.inf)]
)
def test_the_bucket_that_holds_a_quantile(q: float, low: float, high: float) -> None:
    assert bucket_of_quantile(CUMULATIVE, q) == Bucket(low, high)


def test_the_bucket_of_the_maximum_and_of_nothing() -> None:
    assert highest_bucket(CUMULATIVE) == Bucket(0.4, math.inf)
    assert bucket_of_quantile([(0.1, 0.0), (math.inf, 0.0)], 0.5) is None
    assert bucket_of_quantile([], 0.5) is None


def test_the_interval_of_a_paired_mean_is_student_s() -> None:
    """Differences 1, 2, 3: mean 2, standard error 1/√3, t(0.975; 2) = 4.3027."""
    found = paired_mean([(0, 1), (5, 7), (1, 4)])
    assert found
    assert (found.value, found.n) == (2, 3)
    assert found.high - found.value == pytest.approx(4.302653 / math.sqrt(3))
    assert found.value - found.low == pytest.approx(found.high - found.value)
    assert not found.clear
    assert paired_mean([(0, 1)]) is None
