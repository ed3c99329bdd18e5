"""What the programs that ask a server tell. Standard library only: it runs in the peers' environment as well."""

import json
import math
import os
from collections.abc import Sequence


def pin(core: str | None) -> None:
    """Keeps this process, and what it starts, on one core; None leaves it where it is."""
    if core is not None:
        os.sched_setaffinity(0, {int(core)})


def figures(latencies: Sequence[float], seconds: float, cpu: float) -> dict[str, float]:
    """Requests a second, CPU seconds per request, P50 and P99 of the latency in seconds."""
    return {
        "rate": len(latencies) / seconds,
        "cpu": cpu / len(latencies),
        "p50": percentile(latencies, 0.5),
        "p99": percentile(latencies, 0.99),
    }


def percentile(values: Sequence[float], q: float) -> float:
    """The nearest rank; the reporter's own would load SciPy into each of these short programs."""
    return sorted(values)[math.ceil(q * len(values)) - 1]


def tell(found: dict[str, float]) -> None:
    os.write(1, json.dumps(found).encode() + b"\n")
