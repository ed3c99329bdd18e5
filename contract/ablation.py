"""What the service gains by, how each is switched off, and what theory says becomes worse without it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

NEVER = 10**9
"""Calls below which a breaker concludes nothing: more than a run makes."""

CHANGED = "changed"
"""The variant of a contrast in which settings are other ones."""

EVERYTHING = "everything"
"""The variant in which all of a scenario's optimisations are off."""


@dataclass(frozen=True, slots=True)
class Optimisation:
    """`off` are the settings of the workload without it; `worse` the figures that must suffer, by name."""

    name: str
    title: str
    off: Mapping[str, Any]
    worse: tuple[str, ...]


HEALTHY = "ablation-healthy"
FAULTY = "ablation-faulty"
ABLATION: Mapping[str, tuple[Optimisation, ...]] = {
    HEALTHY: (
        Optimisation("cache", "cache", {"cache": False}, ("response_mean", "throughput", "cost", "calls")),
        Optimisation("pooling", "connection pooling", {"pooling": False}, ("connections", "response_mean")),
        Optimisation("parallel", "scenes in parallel", {"parallel_scenes": False}, ("response_mean", "throughput")),
        Optimisation("wake-up", "wake-up of idle workers", {"wake_up": False}, ("queue", "response_mean")),
    ),
    FAULTY: (
        Optimisation("retry", "retries of provider calls", {"call_attempts": 1}, ("success_rate", "cost")),
        Optimisation("breaker", "circuit breaker", {"breaker": {"volume": NEVER}}, ("success_rate", "failed_calls")),
    ),
}
"""By the scenario that shows it: what helps against faults shows nowhere else."""


TOGETHER = {
    HEALTHY: ("response_mean", "throughput", "cost", "calls", "connections", "queue"),
    FAULTY: ("success_rate", "cost"),
}
"""What must be worse with everything off. Of calls that fail there may be fewer then: nobody repeats them."""


def without(scenario: str, variant: str) -> Mapping[str, Any]:
    """The settings of a variant: one thing off by its name, all of them, or, without a name, none."""
    if not variant:
        return {}
    chosen = [one for one in ABLATION[scenario] if variant in {one.name, EVERYTHING}]
    return {name: value for one in chosen for name, value in one.off.items()}


def worse(scenario: str, variant: str) -> tuple[str, ...]:
    """Figures that must be worse in a variant; none where nothing is off."""
    if variant == EVERYTHING:
        return TOGETHER[scenario]
    return next((one.worse for one in ABLATION[scenario] if one.name == variant), ())
