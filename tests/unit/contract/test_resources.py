"""What a process tells of itself, beside what the kernel tells of it."""

import asyncio
import contextlib
import gc
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import psutil
import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric

from contract.catalogue import ProcessMetrics
from contract.histogram import LatencyHistogram
from contract.lag import watching_lag
from contract.resources import ResourceMetricsCollector

MB = 1_000_000
BURN = """
import os, sys, time
kept = b"x" * int(sys.argv[1])
end = time.process_time() + float(sys.argv[2])
while time.process_time() < end:
    os.stat("/")
print("ready", flush=True)
sys.stdin.read()
"""
"""Keeps so much memory and spends so much CPU time, some of it in the kernel; ends with its standard input."""


def value(collector: ResourceMetricsCollector, name: str, **labels: str) -> float:
    return read(list(collector.collect()), name, **labels)


def read(families: list[Metric], name: str, **labels: str) -> float:
    [found] = [s.value for f in families for s in f.samples if s.name == name and s.labels == labels]
    return found


def cpu(families: list[Metric], part: str) -> float:
    return sum(read(families, "t2v_process_cpu_seconds_total", part=part, mode=mode) for mode in ("user", "system"))


@contextlib.contextmanager
def burner(size: int, seconds: float) -> Iterator["subprocess.Popen[bytes]"]:
    process = subprocess.Popen(
        [sys.executable, "-c", BURN, str(size), str(seconds)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout
    assert process.stdin
    try:
        assert process.stdout.readline() == b"ready\n"
        yield process
    finally:
        process.stdin.close()
        process.wait(20)
        process.stdout.close()


def test_own_figures_are_those_of_the_kernel() -> None:
    collector = ResourceMetricsCollector(CollectorRegistry())
    process, clock = psutil.Process(), time.process_time()
    families = list(collector.collect())
    assert clock <= cpu(families, "self") <= time.process_time() + 1e-3
    assert read(families, "t2v_process_threads", part="self") == process.num_threads()
    assert abs(read(families, "t2v_process_descriptors", part="self") - process.num_fds()) <= 1
    assert read(families, "t2v_process_resident_bytes", part="self") == pytest.approx(
        process.memory_info().rss, rel=0.1
    )
    assert read(families, "t2v_process_cores") <= (os.cpu_count() or 1)
    assert not any(s.labels.get("part") == "children" for f in families for s in f.samples)


def test_memory_that_was_touched_shows_and_goes_again() -> None:
    collector = ResourceMetricsCollector(CollectorRegistry())
    before = value(collector, "t2v_process_unique_bytes", part="self")
    kept: list[Any] = [os.urandom(50 * MB)]
    during = value(collector, "t2v_process_unique_bytes", part="self")
    kept.clear()
    assert 45 * MB < during - before < 60 * MB
    assert value(collector, "t2v_process_unique_bytes", part="self") < during - 45 * MB


def test_collections_of_garbage_are_counted() -> None:
    collector = ResourceMetricsCollector(CollectorRegistry())
    before = value(collector, "t2v_process_gc_collections_total", generation="2")
    gc.collect()
    assert value(collector, "t2v_process_gc_collections_total", generation="2") > before


def test_children_count_while_they_live_and_their_cpu_time_for_ever() -> None:
    pids: list[int] = []
    collector = ResourceMetricsCollector(CollectorRegistry(), lambda: pids)
    none = list(collector.collect())
    with burner(30 * MB, 0.3) as process:
        pids.append(process.pid)
        alive = list(collector.collect())
        assert read(alive, "t2v_process_children") == 1
        assert read(alive, "t2v_process_unique_bytes", part="children") > 30 * MB
        assert 0.25 < cpu(alive, "children") - cpu(none, "children") < 0.6
    still_named = list(collector.collect())
    pids.clear()
    gone = list(collector.collect())
    for later in (still_named, gone):
        assert cpu(later, "children") >= cpu(alive, "children")
        assert read(later, "t2v_process_unique_bytes", part="children") == 0
    assert cpu(gone, "children") - cpu(none, "children") < 0.6, "counted once and not twice"


def test_a_child_that_has_ended_and_was_not_waited_for_takes_no_count_back() -> None:
    pids: list[int] = []
    collector = ResourceMetricsCollector(CollectorRegistry(), lambda: pids)
    with burner(0, 0.2) as process:
        pids.append(process.pid)
        alive = cpu(list(collector.collect()), "children")
        process.kill()
        while psutil.Process(process.pid).status() != psutil.STATUS_ZOMBIE:
            time.sleep(0.001)
        for _ in range(3):
            assert cpu(list(collector.collect()), "children") >= alive


def test_the_cost_of_reading_is_told_by_the_next_reading() -> None:
    collector = ResourceMetricsCollector(CollectorRegistry())
    first = value(collector, "t2v_process_collecting_cpu_seconds_total")
    second = value(collector, "t2v_process_collecting_cpu_seconds_total")
    assert 0 < first < second


async def test_a_loop_that_is_held_up_is_seen() -> None:
    histogram: LatencyHistogram = ProcessMetrics(CollectorRegistry()).lag_seconds
    async with watching_lag(histogram, 0.005):
        await asyncio.sleep(0.05)
        time.sleep(0.2)  # noqa: ASYNC251 - the plant
        await asyncio.sleep(0.05)
    bounds = [*histogram._bounds, float("inf")]
    counts = dict(zip(bounds, histogram.labels().cumulative(), strict=True))

    def later_than(seconds: float) -> int:
        return counts[float("inf")] - max(count for bound, count in counts.items() if bound < seconds)

    assert later_than(0.15) >= 9, "each look that was due in the stall counts, as late as it would have been"
    assert later_than(0.05) >= 27
