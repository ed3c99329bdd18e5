"""The states of a circuit breaker, on a clock that the tests move."""

import pytest

from contract.calls import BreakerState, Verdict
from contract.settings import BreakerTerms
from workers.resilience.breaker import Breaker, News, Permit

TERMS = BreakerTerms()
CLOSED, OPEN, HALF_OPEN = BreakerState.CLOSED, BreakerState.OPEN, BreakerState.HALF_OPEN
GOOD, BAD, NEUTRAL = Verdict.GOOD, Verdict.BAD, Verdict.NEUTRAL


class Bench:
    def __init__(self) -> None:
        self.now = 1000.0
        self.changes: list[BreakerState] = []
        self.breaker = Breaker(TERMS, self.changes.append, lambda: self.now)

    @property
    def state(self) -> BreakerState:
        return self.breaker.state

    def admitted(self) -> Permit:
        permit = self.breaker.admit()
        assert permit
        return permit

    def call(self, verdict: Verdict, times: int = 1) -> News | None:
        """The last call's news."""
        news = None
        for _ in range(times):
            news = self.breaker.record(self.admitted(), verdict)
        return news

    def half_open(self) -> Permit:
        """A probe under way."""
        self.call(BAD, 20)
        self.now += TERMS.open_for
        return self.admitted()


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.mark.parametrize(("good", "bad", "opens"), [(6, 14, True), (7, 13, False), (0, 19, False), (0, 20, True)])
def test_it_opens_at_seven_failures_in_ten_of_at_least_twenty_calls(
    bench: Bench, good: int, bad: int, *, opens: bool
) -> None:
    bench.call(GOOD, good)
    assert bench.call(BAD, bad) == (News.OPENED if opens else None)
    assert bench.state is (OPEN if opens else CLOSED)


def test_a_good_call_never_opens_it(bench: Bench) -> None:
    bench.call(BAD, 19)
    assert bench.call(GOOD) is None
    assert bench.state is CLOSED
    assert bench.call(BAD) is News.OPENED, "20 of 21"


def test_calls_older_than_the_window_are_forgotten(bench: Bench) -> None:
    bench.call(BAD, 19)
    bench.now += TERMS.window
    bench.call(BAD, 19)
    assert bench.state is CLOSED
    bench.now += TERMS.window / 2
    bench.call(BAD)
    assert bench.state is OPEN, "20 within the last 10 s"


def test_the_window_needs_no_memory_for_each_call(bench: Bench) -> None:
    for _ in range(3000):
        bench.call(GOOD)
        bench.now += 0.05
    assert len(bench.breaker._window._slots) <= 10
    assert bench.breaker._window.total == pytest.approx(TERMS.window / 0.05, rel=0.11)


def test_cancelled_calls_count_neither_way(bench: Bench) -> None:
    bench.call(NEUTRAL, 100)
    bench.call(BAD, 19)
    assert bench.state is CLOSED, "19 calls conclude nothing"
    bench.call(NEUTRAL, 100)
    assert bench.state is CLOSED
    bench.call(BAD)
    assert bench.state is OPEN, "20 of 20, and not of 220"


def test_while_open_every_attempt_is_refused_and_told_how_long(bench: Bench) -> None:
    bench.call(BAD, 20)
    assert bench.breaker.admit() is None
    assert bench.breaker.wait == pytest.approx(TERMS.open_for)
    bench.now += 0.4
    assert bench.breaker.admit() is None
    assert bench.breaker.wait == pytest.approx(TERMS.open_for - 0.4)


def test_half_open_it_lets_one_probe_through_per_interval(bench: Bench) -> None:
    first = bench.half_open()
    assert bench.state is HALF_OPEN
    assert bench.breaker.admit() is None
    bench.now += TERMS.probe_every
    assert bench.admitted() != first
    assert bench.breaker.admit() is None


def test_three_good_probes_close_it_and_the_past_is_forgotten(bench: Bench) -> None:
    assert bench.breaker.record(bench.half_open(), GOOD) is News.GOOD_PROBE
    bench.now += TERMS.probe_every
    assert bench.call(GOOD) is News.GOOD_PROBE
    bench.now += TERMS.probe_every
    assert bench.call(GOOD) is News.CLOSED
    assert bench.changes == [OPEN, HALF_OPEN, CLOSED]
    bench.call(BAD, 19)
    assert bench.state is CLOSED


def test_a_bad_probe_opens_it_again_and_the_good_ones_count_no_more(bench: Bench) -> None:
    bench.breaker.record(bench.half_open(), GOOD)
    bench.now += TERMS.probe_every
    assert bench.call(BAD) is News.OPENED
    assert bench.state is OPEN
    bench.now += TERMS.open_for
    for news in (News.GOOD_PROBE, News.GOOD_PROBE, News.CLOSED):
        assert bench.call(GOOD) is news
        bench.now += TERMS.probe_every


def test_a_cancelled_probe_gives_its_slot_back(bench: Bench) -> None:
    assert bench.breaker.record(bench.half_open(), NEUTRAL) is None
    assert bench.state is HALF_OPEN
    assert bench.call(GOOD) is News.GOOD_PROBE
    assert bench.breaker.admit() is None


def test_a_cancelled_probe_gives_back_no_slot_but_its_own(bench: Bench) -> None:
    slow = bench.half_open()
    bench.now += TERMS.probe_every
    bench.admitted()
    bench.breaker.record(slow, NEUTRAL)
    assert bench.breaker.admit() is None


@pytest.mark.parametrize("verdict", Verdict)
def test_a_call_from_before_a_change_says_nothing_after_it(bench: Bench, verdict: Verdict) -> None:
    late = [bench.admitted() for _ in range(40)]
    probe = bench.half_open()
    for permit in late[:20]:
        assert bench.breaker.record(permit, verdict) is None
    assert bench.state is HALF_OPEN
    bench.breaker.record(probe, GOOD)
    for _ in range(2):
        bench.now += TERMS.probe_every
        bench.call(GOOD)
    assert bench.state is CLOSED
    for permit in late[20:]:
        bench.breaker.record(permit, verdict)
    assert bench.state is CLOSED


def test_what_another_worker_tells_moves_it_without_calls_of_its_own(bench: Bench) -> None:
    bench.breaker.hear(News.OPENED)
    assert bench.breaker.admit() is None
    bench.breaker.hear(News.GOOD_PROBE)
    assert bench.state is OPEN, "its own time has not come"
    bench.breaker.hear(News.CLOSED)
    assert bench.breaker.wait == 0
    bench.call(GOOD)
    assert bench.changes == [OPEN, CLOSED]


def test_good_probes_of_others_count(bench: Bench) -> None:
    probe = bench.half_open()
    bench.breaker.hear(News.GOOD_PROBE)
    bench.breaker.hear(News.GOOD_PROBE)
    assert bench.breaker.record(probe, GOOD) is News.CLOSED


def test_hearing_the_same_again_changes_nothing(bench: Bench) -> None:
    for news in (News.CLOSED, News.GOOD_PROBE):
        bench.breaker.hear(news)
    assert bench.changes == []
    bench.call(BAD, 20)
    bench.now += 0.5
    bench.breaker.hear(News.OPENED)
    assert bench.breaker.wait == pytest.approx(TERMS.open_for - 0.5), "it does not begin anew"
    assert bench.changes == [OPEN]
