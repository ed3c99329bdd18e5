"""A real Prometheus with our rules in it, that reads every kind of process of ours while all of their counters grow."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import Counter, Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from contract.calls import BreakerState, Provider
from contract.catalogue import (
    CacheState,
    LedgerTotals,
    LoadMetrics,
    MockMetrics,
    Phase,
    RequestKind,
    RunState,
    ServiceMetrics,
    WorkerMetrics,
)
from contract.exposition import ProcessRegistry
from contract.jobs import Status
from contract.process_faults import Kind, Target
from contract.records import TOTAL_NAMES
from contract.runfolder import Verdict
from reporter.prometheus import Prometheus, PromQLError, Series, settled
from stack.programs import find_programs
from tests.unit.reporter.live import Process, prometheus_of

PROMETHEUS = Path(__file__).resolve().parents[3] / "prometheus"
BOUND = 60.0
JOBS = ("service", "worker", "mocks", "loadgen", "exporter")


class Exporter(Collector):
    """Of a ledger whose totals all grow alike, in the middle of a run that kills workers."""

    def __init__(self, registry: ProcessRegistry) -> None:
        self.total = 0
        registry.register(self)

    def collect(self) -> Iterator[Metric]:
        now = time.time()
        yield GaugeMetricFamily(LedgerTotals.UP, "Up", 1)
        yield GaugeMetricFamily(CacheState.UP, "Up", 1)
        states = {Status.QUEUED: 1, Status.IN_PROGRESS: 1}
        yield from LedgerTotals.families(dict.fromkeys(TOTAL_NAMES, self.total), states, now - 1, Phase.MEASURE, now)
        yield from CacheState.families({"evicted_keys": self.total, "used_memory": 1, "maxmemory": 2})
        yield from RunState.families({(Target.WORKER, Kind.KILL): 1}, dict.fromkeys(Verdict, now - 60 + self.total))


def growing() -> tuple[list[Process], Exporter]:
    processes = {job: Process(job, f"{job}-1", ProcessRegistry()) for job in JOBS}
    ServiceMetrics(processes["service"].registry, [("POST", "/v1/videos", list(RequestKind))])
    worker = WorkerMetrics(processes["worker"].registry)
    worker.breaker_changed.labels(Provider.LLM, BreakerState.OPEN).set(time.time())
    MockMetrics(processes["mocks"].registry)
    LoadMetrics(processes["loadgen"].registry)
    return list(processes.values()), Exporter(processes["exporter"].registry)


def count(registry: ProcessRegistry) -> None:
    """Whatever can be counted, once."""
    for collector in list(registry._collector_to_names):
        if isinstance(collector, Counter):
            children: list[Any] = list(collector._metrics.values()) if collector._labelnames else [collector]
            for child in children:
                child.inc()
    for histogram in registry.histograms:
        for observed in histogram._children.values():
            observed.observe(0.05)


@dataclass(frozen=True)
class Watched:
    """A Prometheus, and a time by its clock at which every recorded series and every rate in it has a value."""

    url: str
    at: float

    async def ask(self, expr: str) -> list[Series]:
        async with Prometheus(self.url, timeout=60) as prometheus:
            return await prometheus.query(expr, self.at)


@pytest.fixture(scope="session")
async def watched(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Watched]:
    folder = tmp_path_factory.mktemp("watched")
    for path in [*PROMETHEUS.glob("rules/*.yml"), *PROMETHEUS.glob("alerts/*.yml")]:
        text = re.sub(r"interval: \w+", "interval: 1s", path.read_text())
        (folder / f"{path.parent.name}-{path.name}").write_text(text)
    processes, exporter = growing()
    with prometheus_of(find_programs()["prometheus"], folder, processes, "1s", "*s-*.yml") as url:
        growth = asyncio.create_task(_grow(processes, exporter))
        async with Prometheus(url) as prometheus, asyncio.timeout(BOUND):
            while not await _ready(prometheus):  # noqa: ASYNC110 - Prometheus is asked
                await asyncio.sleep(0.2)
        at = await settled(url, time.time(), BOUND, [process.instance for process in processes])
        growth.cancel()
        yield Watched(url, at)


async def _grow(processes: list[Process], exporter: Exporter) -> None:
    while True:
        exporter.total += 1
        for process in processes:
            count(process.registry)
        await asyncio.sleep(0.5)


async def _ready(prometheus: Prometheus) -> bool:
    """Whether everything has grown between two readings, and rules have seen it."""
    try:
        rates = await prometheus.query("min by (job) (rate(t2v_process_loop_lag_seconds_count[1m])) > 0")
        alerts = await prometheus.query('ALERTS{alertstate="firing"}')
    except PromQLError:
        return False  # it starts
    return len(rates) == len(JOBS) and bool(alerts)
