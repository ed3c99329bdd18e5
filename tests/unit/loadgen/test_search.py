"""Bisection finds the knee of a service that breaks at a known rate."""

import pytest

from loadgen.search import bisection


def found(knee: float, low: float = 5.0, high: float = 100.0, steps: int = 10) -> tuple[float | None, float | None]:
    search = bisection(low, high, steps)
    rate = next(search)
    while True:
        try:
            rate = search.send(rate <= knee)
        except StopIteration as end:
            bounds: tuple[float | None, float | None] = end.value
            return bounds


@pytest.mark.parametrize("knee", [7.0, 23.0, 61.5])
def test_the_bounds_enclose_the_knee_within_a_few_percent(knee: float) -> None:
    sustained, broken = found(knee)
    assert sustained is not None
    assert broken is not None
    assert sustained <= knee < broken
    assert broken / sustained < 1.1


def test_a_service_that_never_breaks_is_tried_up_to_the_highest_rate() -> None:
    assert found(1e9) == (100.0, None)


def test_a_service_that_sustains_nothing_is_tried_lower_and_lower() -> None:
    sustained, broken = found(0.0, steps=4)
    assert sustained is None
    assert broken == 0.625
