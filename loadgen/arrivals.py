"""When requests are due in an open loop, in seconds from its start; decided before the first is sent."""

import random
from itertools import accumulate


def constant(rate: float, n: int) -> list[float]:
    """`n` arrivals, 1/rate apart."""
    return [index / rate for index in range(n)]


def poisson(rate: float, n: int, seed: int) -> list[float]:
    """`n` arrivals of a Poisson process: independent exponential gaps of mean 1/rate. The same seed, the same times."""
    generator = random.Random(f"arrivals/{seed}")  # noqa: S311 - repeatable on purpose
    gaps = (generator.expovariate(rate) for _ in range(n - 1))
    return list(accumulate(gaps, initial=0.0))
