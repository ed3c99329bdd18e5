"""What a process of ours uses, read at each scrape."""

import gc
import os
import resource
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace

import psutil
from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from contract.catalogue import Bounds, Part, ProcessMetrics, Usage
from contract.cgroup import limits

NOTHING = Usage(0.0, 0.0, 0, 0, 0, 0, 0, 0)


class ResourceMetricsCollector(Collector):
    """Not for the event loop's thread: the kernel takes a fraction of a millisecond for the unique memory of each
    process, and does so without the interpreter's lock.

    `children` gives the process ids of those that it started and that live; without it nothing is told of children.
    The CPU time of those that have ended stays in the sum. A process that these start counts in it once it has ended.
    """

    def __init__(self, registry: CollectorRegistry, children: Callable[[], Collection[int]] | None = None) -> None:
        self._process = psutil.Process()
        self._children = children
        self._bounds = bounds()
        self._collecting = 0.0
        self._most = NOTHING
        registry.register(self)

    def describe(self) -> list[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        began = time.thread_time()
        usages = {Part.SELF: own_usage(self._process)}
        pids: Collection[int] = ()
        if self._children is not None:
            pids = self._children()
            usages[Part.CHILDREN] = self._most = _never_less(_children_usage(pids), self._most)
        collections = [generation["collections"] for generation in gc.get_stats()]
        self._collecting += time.thread_time() - began
        yield from ProcessMetrics.families(usages, len(pids), collections, self._bounds, self._collecting)


def bounds() -> Bounds:
    """As they are when the process starts."""
    cores = float(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
    found = limits()
    return Bounds(min(cores, found.cores or cores), found.memory_bytes, found.cores)


def own_usage(process: psutil.Process) -> Usage:
    """`process` is this one. The kernel's own account is exact to the microsecond, files in /proc to 10 ms."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    resident, unique = _memory(process)
    return Usage(
        used.ru_utime,
        used.ru_stime,
        used.ru_nvcsw,
        used.ru_nivcsw,
        resident,
        unique,
        process.num_threads(),
        _descriptors(process),
    )


def _children_usage(pids: Collection[int]) -> Usage:
    """Those that ended first, then those that live: one that ends in between is missing until the next reading, which
    is better than twice in this one.
    """
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    total = replace(
        NOTHING,
        user_seconds=ended.ru_utime,
        system_seconds=ended.ru_stime,
        voluntary_switches=ended.ru_nvcsw,
        involuntary_switches=ended.ru_nivcsw,
    )
    for pid in pids:
        try:
            total = _sum(total, _usage(psutil.Process(pid)))
        except psutil.NoSuchProcess:  # a zombie too: the next reading has its CPU time among the ended
            continue
    return total


def _usage(process: psutil.Process) -> Usage:
    with process.oneshot():
        cpu, switches = process.cpu_times(), process.num_ctx_switches()
        resident, unique = _memory(process)
        return Usage(
            cpu.user + cpu.children_user,
            cpu.system + cpu.children_system,
            switches.voluntary,
            switches.involuntary,
            resident,
            unique,
            process.num_threads(),
            _descriptors(process),
        )


def _memory(process: psutil.Process) -> tuple[int, int | None]:
    """Resident and unique bytes; a system that does not tell the latter of this process gives None."""
    try:
        memory = process.memory_full_info()
    except psutil.AccessDenied:
        return process.memory_info().rss, None
    return memory.rss, memory.uss


def _descriptors(process: psutil.Process) -> int | None:
    """None where the system does not tell."""
    try:
        return process.num_fds()
    except psutil.AccessDenied:
        return None


def _sum(one: Usage, other: Usage) -> Usage:
    unique = None if one.unique_bytes is None or other.unique_bytes is None else one.unique_bytes + other.unique_bytes
    descriptors = None if one.descriptors is None or other.descriptors is None else one.descriptors + other.descriptors
    return Usage(
        one.user_seconds + other.user_seconds,
        one.system_seconds + other.system_seconds,
        one.voluntary_switches + other.voluntary_switches,
        one.involuntary_switches + other.involuntary_switches,
        one.resident_bytes + other.resident_bytes,
        unique,
        one.threads + other.threads,
        descriptors,
    )


def _never_less(now: Usage, before: Usage) -> Usage:
    """Counters do not go back while a child is between living and having ended."""
    return replace(
        now,
        user_seconds=max(now.user_seconds, before.user_seconds),
        system_seconds=max(now.system_seconds, before.system_seconds),
        voluntary_switches=max(now.voluntary_switches, before.voluntary_switches),
        involuntary_switches=max(now.involuntary_switches, before.involuntary_switches),
    )
