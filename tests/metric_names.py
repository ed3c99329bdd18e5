"""Names of metrics: those that our processes answer, and those in PromQL and prose."""

import re

from prometheus_client import CollectorRegistry, generate_latest

from contract.catalogue import (
    Bounds,
    CacheState,
    LedgerTotals,
    LoadMetrics,
    MockMetrics,
    Part,
    Phase,
    ProcessMetrics,
    RequestKind,
    RunState,
    ServiceMetrics,
    WorkerMetrics,
)
from contract.jobs import Status
from contract.resources import NOTHING


def known_names() -> set[str]:
    """Every sample name that a process of ours can answer."""
    registry = CollectorRegistry()
    ServiceMetrics(registry, [("POST", "/v1/videos", list(RequestKind))])
    WorkerMetrics(registry)
    MockMetrics(registry)
    LoadMetrics(registry)
    ProcessMetrics(registry)
    names = set(re.findall(r"^(t2v_\w+)", generate_latest(registry).decode(), re.MULTILINE))
    families = [
        *LedgerTotals.families({}, dict.fromkeys((Status.QUEUED, Status.IN_PROGRESS), 0), 1.0, Phase.IDLE, 1.0),
        *CacheState.families({"evicted_keys": 0, "used_memory": 0, "maxmemory": 0}),
        *RunState.families({}, {"pass": 0.0}),
        *ProcessMetrics.families({Part.SELF: NOTHING}, 0, [0], Bounds(1.0, 1, 1.0), 0.0),
    ]
    return names | {LedgerTotals.UP, CacheState.UP} | {sample.name for family in families for sample in family.samples}


def asked_for(text: str) -> set[str]:
    """The metrics of ours that it names."""
    return {name for name in _words(text) if name.startswith("t2v_") and ":" not in name}


def recorded(text: str) -> set[str]:
    """The series of recording rules that it names."""
    return {name for name in _words(text) if re.fullmatch(r"(\w+:)?t2v_\w+:\w+", name)}


def _words(text: str) -> list[str]:
    return re.findall(r"[a-zA-Z_:][\w:]*", text)
