"""A run along its load: jobs by when they were due, breakers that were not closed, the queue, and the faults.

Times are seconds from the start of the load.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from contract.calls import BreakerState
from contract.jobs import Outcome, Status
from reporter.breakers import changes, spells
from reporter.fault_windows import fault_windows, load_end, load_start
from reporter.runs import Run

MOST_BINS = 30
NICE = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0)
"""Widths of a bin, in seconds."""

Points = Sequence[tuple[float, float | None]]


@dataclass(frozen=True, slots=True)
class Span:
    """`end` may lie beyond the load."""

    what: str
    start: float
    end: float

    def touches(self, start: float, end: float) -> bool:
        """A fault that took no time touches the moment at which it was."""
        return self.start < end and (self.end > start or self.start == self.end >= start)


@dataclass(frozen=True, slots=True)
class Bin:
    """The jobs that were due in [start, end), by how they ended; None counts those whose end nobody saw."""

    start: float
    end: float
    outcomes: Counter[Outcome | None]

    @property
    def jobs(self) -> int:
        return self.outcomes.total()

    @property
    def success(self) -> float | None:
        return self.outcomes[Outcome.COMPLETED] / self.jobs if self.jobs else None


@dataclass(frozen=True, slots=True)
class Timeline:
    """`breakers` holds the spells of each breaker that ever opened, by its title; None where nobody told of any.
    `backlog` holds readings by status; one that failed is None.
    """

    length: float
    faults: Sequence[Span]
    bins: Sequence[Bin]
    breakers: dict[str, list[tuple[BreakerState, Span]]] | None
    backlog: dict[Status, Points]

    def faulty(self, start: float, end: float) -> bool:
        return any(fault.touches(start, end) for fault in self.faults)

    @property
    def most_queued(self) -> tuple[float, float] | None:
        """The longest that the queue was read to be, and when that was first so."""
        known = [(value, -when) for when, value in self.backlog.get(Status.QUEUED, ()) if value is not None]
        return (max(known)[0], -max(known)[1]) if known else None


def timeline(run: Run) -> Timeline | None:
    """None for a run without jobs."""
    start, end = load_start(run), load_end(run)
    if start is None or end is None or not run.measured:
        return None
    length = max(end - start, 0.1)
    return Timeline(
        length, _faults(run, start, length), _bins(run, start, length), _breakers(run, start, end), _backlog(run, start)
    )


def _faults(run: Run, start: float, length: float) -> list[Span]:
    return [
        Span(window.what, window.start - start, length if window.end is None else window.end - start)
        for window in fault_windows(run)
    ]


def _bins(run: Run, start: float, length: float) -> list[Bin]:
    width = next((width for width in NICE if length / width <= MOST_BINS), length / MOST_BINS)
    found = [Bin(i * width, (i + 1) * width, Counter()) for i in range(math.ceil(length / width))]
    for job in run.measured:
        found[min(len(found) - 1, max(0, int((job.due - start) / width)))].outcomes[job.outcome] += 1
    return found


def _breakers(run: Run, start: float, end: float) -> dict[str, list[tuple[BreakerState, Span]]] | None:
    if changes(run) is None:
        return None
    found: dict[str, list[tuple[BreakerState, Span]]] = {}
    for spell in sorted(spells(run, end), key=lambda one: (one.provider, one.instance, one.start)):
        title = f"{spell.provider}, {spell.instance}"
        if spell.end > start:
            span = Span(spell.state, spell.start - start, spell.end - start)
            found.setdefault(title, []).append((spell.state, span))
    return found


def _backlog(run: Run, start: float) -> dict[Status, Points]:
    """By Prometheus's clock, put right by how much it differs from ours."""
    ahead = start + (run.info.clock_skew or 0.0)
    return {
        status: sorted(((when - ahead, value) for s in samples for when, value in s.points), key=lambda one: one[0])
        for status in (Status.QUEUED, Status.IN_PROGRESS)
        if (samples := run.answers.samples("series.backlog", status=status))
    }
