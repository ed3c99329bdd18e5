"""When circuit breakers opened and closed, from the gauge that tells when each last went into a state."""

from collections.abc import Iterable
from dataclasses import dataclass

from contract.calls import BreakerState, Provider
from reporter.fault_windows import FaultWindow, fault_windows
from reporter.indicator import Indicator
from reporter.runs import Run


@dataclass(frozen=True, slots=True, order=True)
class Change:
    """The breaker of `provider` in the process `instance` went into `state` at `time` (Unix seconds)."""

    time: float
    provider: Provider
    instance: str
    state: BreakerState


@dataclass(frozen=True, slots=True)
class Spell:
    """A time in which one breaker was not closed. Unix seconds."""

    provider: Provider
    instance: str
    state: BreakerState
    start: float
    end: float


def changes(run: Run) -> list[Change] | None:
    """In order of time; None where Prometheus tells nothing. Of two changes of a breaker into one state between two
    readings only the later is known.
    """
    samples = run.answers.samples("series.breaker_changed")
    if not samples:
        return None
    return sorted(
        {
            Change(value, Provider(s.labels["provider"]), s.labels.get("instance", ""), BreakerState(s.labels["state"]))
            for s in samples
            for _, value in s.points
            if value
        }
    )


def spells(run: Run, end: float) -> list[Spell]:
    """Until `end` at most, in order of their start."""
    found = []
    last: dict[tuple[Provider, str], Change] = {}
    for change in changes(run) or []:
        before = last.get((change.provider, change.instance))
        if before is not None:
            found.append(_spell(before, min(change.time, end)))
        last[change.provider, change.instance] = change
    found += [_spell(change, end) for change in last.values()]
    not_closed = [one for one in found if one.state is not BreakerState.CLOSED and one.start < one.end]
    return sorted(not_closed, key=lambda one: (one.start, one.provider, one.instance))


def _spell(change: Change, end: float) -> Spell:
    return Spell(change.provider, change.instance, change.state, change.time, end)


def breakers(run: Run) -> dict[str, Indicator]:
    """By the names that targets use: changes over all workers, times in seconds."""
    fault = first_provider_fault(run)
    return {
        "breaker_opened": _counted(run, BreakerState.OPEN),
        "breaker_closed": _counted(run, BreakerState.CLOSED),
        "detect_time": time_to_open(run, fault) if fault else Indicator(None, 0),
        "close_time": time_to_close(run, fault) if fault else Indicator(None, 0),
    }


def first_provider_fault(run: Run) -> FaultWindow | None:
    found = [window for window in fault_windows(run) if window.provider is not None]
    return min(found, key=lambda window: window.start, default=None)


def _counted(run: Run, state: BreakerState) -> Indicator:
    counts = {p: run.answers.count("breaker.transitions", provider=p, state=state) for p in Provider}
    known = {provider: count for provider, count in counts.items() if count is not None}
    if not known:
        return Indicator(None)
    total = sum(known.values())
    return Indicator(float(total), total, ", ".join(f"{provider} {count}" for provider, count in known.items()))


def time_to_open(run: Run, fault: FaultWindow) -> Indicator:
    """From the start of a provider's fault to the first opening of a breaker of that provider."""
    known = changes(run)
    if known is None:
        return Indicator(None)
    opened = list(_since(known, fault, BreakerState.OPEN, fault.start))
    if not opened:
        return Indicator(None, 0, f"no breaker opened after the start of {fault.what}")
    return Indicator(opened[0].time - fault.start, len(opened), f"{fault.what}: the first of {len(opened)} openings")


def time_to_close(run: Run, fault: FaultWindow) -> Indicator:
    """From the end of a provider's fault to the last closing of a breaker of that provider, before a next fault of it
    begins; no data where one has stayed open.
    """
    known = changes(run)
    if known is None or fault.end is None or not fault.timed:
        return Indicator(None, None if known is None else 0)
    before = _next_start(run, fault)
    until = [change for change in known if before is None or change.time < before]
    closed = list(_since(until, fault, BreakerState.CLOSED, fault.end))
    if left := _left_open(until, fault):
        return Indicator(None, len(closed), f"still open after {fault.what}: {', '.join(left)}")
    if not closed:
        return Indicator(None, 0, f"no breaker closed after the end of {fault.what}")
    return Indicator(closed[-1].time - fault.end, len(closed), f"{fault.what}: the last of {len(closed)} closings")


def _since(known: Iterable[Change], fault: FaultWindow, state: BreakerState, moment: float) -> Iterable[Change]:
    return (one for one in known if one.provider is fault.provider and one.state is state and one.time >= moment)


def _next_start(run: Run, fault: FaultWindow) -> float | None:
    later = [
        window.start
        for window in fault_windows(run)
        if window.provider is fault.provider and fault.end is not None and window.start >= fault.end
    ]
    return min(later, default=None)


def _left_open(known: Iterable[Change], fault: FaultWindow) -> list[str]:
    """The processes whose breaker of the fault's provider had not closed by its last change."""
    last = {change.instance: change.state for change in known if change.provider is fault.provider}
    return sorted(instance for instance, state in last.items() if state is not BreakerState.CLOSED)
