"""The highest rate that a service sustains, by bisection on a logarithmic scale."""

import math
from collections.abc import Generator


def bisection(low: float, high: float, steps: int) -> Generator[float, bool, tuple[float | None, float | None]]:
    """Yields rates to try and is sent whether each was sustained.

    Returns the highest rate sustained and the lowest one not sustained above it; None where no rate tried was so.
    """
    sustained: float | None = None
    broken: float | None = None
    rate = low
    for _ in range(steps):
        if (yield rate):
            sustained = rate
        else:
            broken = rate
        if sustained is None:
            rate = (broken or rate) / 2
        elif broken is None:
            if sustained >= high:
                break
            rate = min(high, sustained * 2)
        else:
            rate = float(f"{math.sqrt(sustained * broken):.3g}")
            if rate in {sustained, broken}:
                break
    return sustained, broken
