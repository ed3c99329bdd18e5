"""Arrival times are decided before the first request is sent."""

import statistics
from itertools import pairwise

import pytest

from loadgen.arrivals import constant, poisson


def test_constant_arrivals_are_evenly_spaced_from_zero() -> None:
    assert constant(4.0, 4) == [0.0, 0.25, 0.5, 0.75]


def test_the_same_seed_gives_the_same_poisson_arrivals_and_another_seed_others() -> None:
    assert poisson(5.0, 200, seed=3) == poisson(5.0, 200, seed=3)
    assert poisson(5.0, 200, seed=3) != poisson(5.0, 200, seed=4)


def test_poisson_gaps_have_the_mean_and_the_spread_of_an_exponential_distribution() -> None:
    times = poisson(5.0, 20_001, seed=1)
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert times[0] == 0.0
    assert statistics.fmean(gaps) == pytest.approx(0.2, rel=0.03)
    assert statistics.stdev(gaps) == pytest.approx(0.2, rel=0.03)
