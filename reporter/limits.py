"""What limits a load: the first rule that its figures meet."""

from dataclasses import dataclass
from enum import StrEnum

from reporter.markdown import NO_DATA, millis, percent
from reporter.rungs import Rung

BUSY = 0.90
"""Share of the machine in use from which on it has no CPU to give."""
MOST_USED = 0.90
"""Share of all slots in use, on average, from which on they count as used up."""
LONG_WAIT = 0.10
"""Share of the median response time from which on the median queue wait is what holds jobs up."""
MOSTLY = 0.80
"""Share of the median response time from which on the critical path is what a job consists of."""

RULES = (
    f"*CPU*: the machine is at least {percent(BUSY, 0)} busy. *Slots*: the median queue wait is at least "
    f"{percent(LONG_WAIT, 0)} of the median response time while at least {percent(MOST_USED, 0)} of the workers' slots "
    f"are in use; with free slots it is *pick-up*. *Critical path*: it makes up at least {percent(MOSTLY, 0)} of the "
    "median response time, so the workload sets the pace. Otherwise the largest part of the *overhead*. The first that "
    "holds, in this order."
)


class Kind(StrEnum):
    CPU = "CPU"
    SLOTS = "slots"
    PICK_UP = "pick-up"
    CRITICAL_PATH = "critical path"
    OVERHEAD = "overhead"
    UNKNOWN = NO_DATA


@dataclass(frozen=True, slots=True)
class Limit:
    """`figures` are those that the rule rests on, in words."""

    kind: Kind
    figures: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.figures}" if self.figures else str(self.kind)


def limit(rung: Rung) -> Limit:
    if rung.busy is not None and rung.busy >= BUSY:
        return Limit(Kind.CPU, f"machine {percent(rung.busy, 0)} busy{_ours(rung)}")
    if rung.overhead is None:
        return Limit(Kind.UNKNOWN, "")
    if rung.queue_wait is not None and rung.queue_wait >= LONG_WAIT * rung.overhead.response:
        return _waiting(rung, rung.queue_wait)
    share = rung.overhead.critical / rung.overhead.response
    if share >= MOSTLY:
        return Limit(Kind.CRITICAL_PATH, f"{percent(share, 0)} of the response time")
    return Limit(Kind.OVERHEAD, f"{rung.overhead.part} {millis(rung.overhead.part_seconds)}")


def _ours(rung: Rung) -> str:
    if rung.cores_used is None or rung.cores is None:
        return ""
    return f", {percent(rung.cores_used / rung.cores, 0)} by our processes"


def _waiting(rung: Rung, wait: float) -> Limit:
    used = None if rung.in_flight is None or not rung.slots else rung.in_flight / rung.slots
    if used is not None and used >= MOST_USED:
        return Limit(Kind.SLOTS, f"{percent(used, 0)} of {rung.slots} in use, median wait {millis(wait)}")
    return Limit(Kind.PICK_UP, f"median wait {millis(wait)}")
