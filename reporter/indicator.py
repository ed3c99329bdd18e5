"""What a target judges: a figure, what it rests on, and what is to be said of it."""

from dataclasses import dataclass

from reporter.statistics import binomial_interval


@dataclass(frozen=True, slots=True)
class Indicator:
    """`value` None is "no data"; `note` is printed beside it."""

    value: float | None
    n: int | None = None
    note: str | None = None


def share(successes: int, n: int, what: str = "") -> Indicator:
    """`successes` of `n`, with its exact binomial interval; `what` says of what they are `n`. No data where n is 0."""
    interval = binomial_interval(successes, n)
    if interval is None:
        return Indicator(None, 0)
    low, high = interval
    counted = f"{successes} of {n} {what}; " if what else ""
    return Indicator(successes / n, n, f"{counted}exact 95 % interval {100 * low:.1f}–{100 * high:.1f} %")
