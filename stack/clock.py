"""The kernel's own account of CPU time, which shares nothing with what processes tell of themselves."""

import math
import time

import psutil

from stack.protocol import Stack

UNMEASURED = ("redis", "cache", "prometheus")
"""Processes that are not ours."""


def cpu_clock(pid: int) -> float:
    """CPU seconds of a process so far, to the nanosecond: the clock that clock_getcpuclockid(3) gives of it (Linux)."""
    return time.clock_gettime((~pid << 3) | 2)


def cpu_of(stack: Stack) -> float:
    """CPU seconds so far of the stack's processes that are ours, and of all that these started and that live."""
    parents = [pid for name, pid in stack.processes.items() if name not in UNMEASURED]
    children = [child.pid for pid in parents for child in psutil.Process(pid).children(recursive=True)]
    return math.fsum(map(cpu_clock, [*parents, *children]))
