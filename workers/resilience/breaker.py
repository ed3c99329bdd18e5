"""When a provider counts as down and who may try it again: a circuit breaker's states, without any waiting.

It decides by what this process has seen; what other workers have learnt can be told to it.
"""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from contract.calls import BreakerState, Verdict
from contract.settings import BreakerTerms

Clock = Callable[[], float]
SLOTS = 10


class News(StrEnum):
    """What one worker's breaker has learnt and the others' may want to know."""

    OPENED = "opened"
    GOOD_PROBE = "good_probe"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Permit:
    """A call that was let through. Once the breaker has changed its state, the call says nothing any more."""

    term: int
    probe: int = 0
    """Tells probes apart; 0 for a call that is none."""


class Window:
    """Results of the last `seconds`, to a tenth of them, in constant memory."""

    def __init__(self, seconds: float, clock: Clock) -> None:
        self._width = seconds / SLOTS
        self._clock = clock
        self._slots: deque[list[int]] = deque()
        """Number of the slot, results and failures in it."""
        self.total = 0
        self.bad = 0

    def add(self, *, bad: bool) -> None:
        number = int(self._clock() / self._width)
        while self._slots and self._slots[0][0] <= number - SLOTS:
            _, total, failures = self._slots.popleft()
            self.total -= total
            self.bad -= failures
        if not self._slots or self._slots[-1][0] != number:
            self._slots.append([number, 0, 0])
        self._slots[-1][1] += 1
        self._slots[-1][2] += bad
        self.total += 1
        self.bad += bad


class Breaker:
    def __init__(
        self, terms: BreakerTerms, on_change: Callable[[BreakerState], None], clock: Clock = time.monotonic
    ) -> None:
        """`clock` gives seconds; `on_change` hears each new state."""
        self._terms = terms
        self._on_change = on_change
        self._clock = clock
        self._window = Window(terms.window, clock)
        self._pass = Permit(term=0)
        self._next_try = 0.0
        self._probes = 0
        self._good = 0
        self.state = BreakerState.CLOSED

    def admit(self) -> Permit | None:
        """None refuses: no sooner than in `wait` seconds can it be otherwise."""
        if self.state is BreakerState.CLOSED:
            return self._pass
        if self.wait > 0:
            return None
        if self.state is BreakerState.OPEN:
            self._become(BreakerState.HALF_OPEN)
        self._next_try = self._clock() + self._terms.probe_every
        self._probes += 1
        return Permit(self._pass.term, self._probes)

    @property
    def wait(self) -> float:
        return max(0.0, self._next_try - self._clock())

    def record(self, permit: Permit, verdict: Verdict) -> News | None:
        """To be told once that the call of a permit is over; answers what other workers should hear."""
        if permit.term != self._pass.term:
            return None
        if permit.probe:
            return self._judge_probe(permit, verdict)
        if verdict is Verdict.NEUTRAL:
            return None
        self._window.add(bad=verdict is Verdict.BAD)
        return self._open() if verdict is Verdict.BAD and self._is_too_bad() else None

    def hear(self, news: News) -> None:
        """What another worker's breaker has learnt."""
        if news is News.OPENED and self.state is not BreakerState.OPEN:
            self._open()
        elif news is News.CLOSED and self.state is not BreakerState.CLOSED:
            self._become(BreakerState.CLOSED)
        elif news is News.GOOD_PROBE and self.state is BreakerState.HALF_OPEN:
            self._count_good_probe()

    def _judge_probe(self, permit: Permit, verdict: Verdict) -> News | None:
        if verdict is Verdict.BAD:
            return self._open()
        if verdict is Verdict.GOOD:
            return self._count_good_probe()
        if permit.probe == self._probes:  # else a later one has had its turn since
            self._next_try = self._clock()
        return None

    def _count_good_probe(self) -> News:
        self._good += 1
        if self._good < self._terms.probes:
            return News.GOOD_PROBE
        self._become(BreakerState.CLOSED)
        return News.CLOSED

    def _is_too_bad(self) -> bool:
        window = self._window
        return window.total >= self._terms.volume and window.bad / window.total >= self._terms.ratio

    def _open(self) -> News:
        self._become(BreakerState.OPEN)
        return News.OPENED

    def _become(self, state: BreakerState) -> None:
        self.state = state
        self._pass = Permit(self._pass.term + 1)
        self._next_try = self._clock() + (self._terms.open_for if state is BreakerState.OPEN else 0)
        self._window = Window(self._terms.window, self._clock)
        self._good = 0
        self._on_change(state)
