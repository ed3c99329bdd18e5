"""The lines that a paper quotes."""

from collections.abc import Sequence

from reporter.markdown import fenced
from reporter.rungs import Rung
from reporter.runs import Run
from reporter.stamp import unquotable
from reporter.statistics import Summary, sample_floor, supported_percentile


def key_metrics(single: Run | None, concurrent: Run | None, rungs: Sequence[Rung]) -> list[str]:
    """`rungs` are those of `concurrent`. What an INVALID run measured is not quoted."""
    lines = (
        f"Response time: {unquotable(single) or _response(single)}",
        f"Throughput: {unquotable(concurrent) or _throughput(rungs)}",
        f"P95 latency: {unquotable(single) or _p95(single)}",
    )
    return [
        "For a paper:",
        fenced("\n".join(lines)),
        (
            "Response time and P95 latency are of whole jobs, one after another (scenario `single`); throughput is "
            "the highest of the rungs of the scenario `concurrent`, and a request there is a whole job."
        ),
    ]


def _response(run: Run | None) -> str:
    found = Summary.of(run.responses) if run else None
    if found is None:
        return "no data"
    if found.stddev is None:
        return f"{found.mean:.3f}s (n = 1: no stddev)"
    return f"{found.mean:.3f}s ± {found.stddev:.3f}s"


def _throughput(rungs: Sequence[Rung]) -> str:
    found = [rung.throughput for rung in rungs if rung.throughput is not None]
    return f"{max(found):.1f} requests/second" if found else "no data"


def _p95(run: Run | None) -> str:
    found = supported_percentile(run.responses, 0.95) if run else None
    if found is None:
        return "no data"
    if found.supported:
        return f"{found.value * 1000:.0f}ms"
    return f"n too small (n = {found.n} < {sample_floor(found.q)}; max {found.value * 1000:.0f}ms)"
