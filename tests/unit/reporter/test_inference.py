"""Intervals over runs hold what they promise, also where there are only five."""

import itertools
import math
import random
from collections.abc import Callable, Sequence
from statistics import fmean, stdev

import numpy as np
import pytest
from scipy import stats

from reporter.statistics import percentile
from reporter.study.inference import cliffs_delta, contrast, holm, jackknife

TRIES = 400
RUNS = 5
Draw = Callable[[random.Random], float]
DRAWS: dict[str, Draw] = {
    "normal": lambda rng: rng.gauss(0, 1),
    "difference of skewed": lambda rng: rng.lognormvariate(0, 1) - rng.lognormvariate(0, 1),
}


def test_of_a_mean_it_is_the_ordinary_t_interval() -> None:
    values = [3.1, 2.7, 3.9, 3.3, 2.5]
    found = jackknife(values, fmean)
    assert found
    assert found.value == pytest.approx(fmean(values))
    assert found.error == pytest.approx(stdev(values) / math.sqrt(5))
    known = stats.t.interval(0.95, 4, loc=fmean(values), scale=stats.sem(values))
    assert found.interval() == pytest.approx(known)
    assert found.p == pytest.approx(stats.ttest_1samp(values, 0).pvalue)


def test_runs_without_partners_are_compared_as_by_welch() -> None:
    a, b = [3.1, 2.7, 3.9, 3.3], [4.1, 3.2, 4.9, 4.4, 3.0, 4.2]
    found = contrast(a, b, fmean)
    assert found
    known = stats.ttest_ind(b, a, equal_var=False)
    assert (found.p, found.freedom) == pytest.approx((known.pvalue, known.df))
    assert found.interval() == pytest.approx(tuple(known.confidence_interval()))


@pytest.mark.parametrize("name", DRAWS)
def test_five_equal_pairs_look_different_once_in_twenty_times_at_most(name: str) -> None:
    rng = random.Random(7)
    shown = sum(excludes([DRAWS[name](rng) for _ in range(RUNS)]) for _ in range(TRIES))
    assert shown / TRIES < 0.05 + 3 * math.sqrt(0.05 * 0.95 / TRIES)


def excludes(values: Sequence[float]) -> bool:
    found = jackknife(values, fmean)
    assert found
    return found.p < 0.05


def test_a_bootstrap_over_five_runs_would_show_three_times_as_many() -> None:
    """Why it is not what we take: all 3,125 resamples, none left to chance."""
    resamples = np.array(list(itertools.product(range(RUNS), repeat=RUNS)))
    rng = np.random.default_rng(7)
    missed = 0
    for _ in range(TRIES):
        means = rng.normal(0, 1, RUNS)[resamples].mean(axis=1)
        low, high = np.quantile(means, [0.025, 0.975])
        missed += not low <= 0 <= high
    assert missed / TRIES > 0.12


def test_a_pooled_percentile_has_the_interval_that_its_runs_give_it() -> None:
    """Of 100 sets of five runs whose P95 is known, nearly all intervals hold it."""
    rng = random.Random(3)
    truth = math.exp(stats.norm.ppf(0.95) * math.sqrt(0.2**2 + 0.05**2))
    held = 0
    for _ in range(100):
        runs = [[rng.lognormvariate(shift, 0.2) for _ in range(60)] for shift in (rng.gauss(0, 0.05) for _ in range(5))]
        found = jackknife(runs, lambda some: percentile([value for run in some for value in run], 0.95))
        assert found
        low, high = found.interval()
        held += low <= truth <= high
    assert held >= 88


def test_what_cannot_be_told_is_not_told() -> None:
    assert jackknife([1.0], fmean) is None
    assert jackknife([1.0, 2.0], lambda _: None) is None
    assert jackknife([1.0, 2.0], lambda some: fmean(some) if len(some) > 1 else None) is None
    assert contrast([1.0], [1.0, 2.0], fmean) is None
    assert cliffs_delta([], [1.0]) is None


@pytest.mark.parametrize(("value", "p"), [(0.0, 1.0), (0.3, 0.0)])
def test_runs_that_never_differ_leave_no_doubt(value: float, p: float) -> None:
    found = jackknife([value] * 5, fmean)
    assert found
    assert (found.p, found.interval()) == (p, (value, value))
    few = jackknife([value] * 3, fmean)
    assert few
    assert few.is_accident is (value != 0)
    assert not found.is_accident


def test_holm_multiplies_the_smallest_most_and_never_turns_the_order() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []
    assert holm([0.9, 0.8]) == [1.0, 1.0]


def test_cliffs_delta_counts_pairs() -> None:
    rng = random.Random(1)
    a, b = ([rng.randrange(10) for _ in range(30)] for _ in range(2))
    pairs = [(y > x) - (y < x) for x in a for y in b]
    assert cliffs_delta(a, b) == pytest.approx(sum(pairs) / len(pairs))
    assert cliffs_delta([1, 2], [3, 4]) == 1.0
