"""The highest rate that a service sustains, by bisection on a logarithmic scale."""

import math
from collections.abc import Generator, Sequence

from contract.runfolder import Op, Result, Target, Verdict
from loadgen.indicator import Indicator
from loadgen.scenario import Scenario
from loadgen.verdict import combine


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


def conclude(scenario: Scenario, results: Sequence[tuple[str, Result]], sustained: float | None) -> Result:
    """The result of a search: judged by the rate it found, whatever the steps beyond it missed."""
    spec = next(spec for spec in scenario.targets if spec.indicator is Indicator.SUSTAINED_RATE)
    target = Target(
        name=spec.indicator,
        value=sustained,
        op=Op(spec.op),
        limit=spec.limit,
        unit=spec.indicator.unit,
        passed=sustained is not None and spec.op.holds(sustained, spec.limit),
        n=len(results),
        note="; ".join(f"{name} was {result.verdict}" for name, result in results),
    )
    whole = combine(results)
    verdict = Verdict.PASS if target.passed else Verdict.FAIL
    return whole.model_copy(update={"verdict": verdict, "targets": [target]})
