"""What the circuit breakers saved, and what it cost until they knew."""

from collections.abc import Mapping

from contract.calls import BreakerState, Provider, Verdict
from reporter.breakers import changes, time_to_close, time_to_open
from reporter.fault_windows import fault_windows
from reporter.indicator import Indicator
from reporter.markdown import NO_DATA, NONE, NOT_RUN, bullets, percent, seconds, table, whole
from reporter.runs import Run

MOST_CHANGES = 24
"""That are told one by one."""

DEFINITIONS = (
    "Over all workers. *Wasted*: calls that were made and met a fault. *Refused*: attempts that the breaker refused, "
    "so that no call was made: what it saved. One that is refused waits and asks again, so a call may be refused "
    "several times. *Saved*: refused / (refused + wasted). *Time to open* runs from the start of the provider's first "
    "fault, *time to close* from its end to the last closing."
)


def breaker_effectiveness(runs: Mapping[str, Run]) -> list[str]:
    """A row per run and provider whose calls met faults or whose breaker changed."""
    rows = [row for run in runs.values() for provider in Provider if (row := _row(run, provider))]
    if not rows:
        return [f"Runs in which a breaker had a fault to see: {NOT_RUN}."]
    headers = (
        *("Run", "Provider", "Opened", "Closed", "Time to open", "Time to close", "Wasted", "Refused", "Saved"),
        *("Probes good", "bad", "neutral"),
    )
    blocks = [DEFINITIONS, table(headers, rows, "llrrrrrrrrrr")]
    for run in runs.values():
        blocks += _changes(run)
    return blocks


def _row(run: Run, provider: Provider) -> tuple[str, ...] | None:
    opened = run.answers.count("breaker.transitions", provider=provider, state=BreakerState.OPEN)
    closed = run.answers.count("breaker.transitions", provider=provider, state=BreakerState.CLOSED)
    faults = [window for window in fault_windows(run) if window.provider is provider]
    fault = min(faults, key=lambda window: window.start, default=None)
    if fault is None and not opened:
        return None
    wasted = sum(call.provider is provider for call in run.faulted_calls)
    refused = run.answers.count("breaker.rejected", provider=provider)
    probes = [run.answers.count("breaker.probes", provider=provider, result=verdict) for verdict in _PROBES]
    return (
        run.name,
        provider.upper(),
        whole(opened),
        whole(closed),
        NONE if fault is None else _time(time_to_open(run, fault), "not opened"),
        NONE if fault is None or not fault.timed or opened == 0 else _time(time_to_close(run, fault), "not closed"),
        str(wasted),
        whole(refused),
        _saved(refused, wasted, opened),
        *map(whole, probes),
    )


def _saved(refused: int | None, wasted: int, opened: int | None) -> str:
    """A breaker that had no reason to open is not judged by what it let through."""
    if refused is None or opened is None:
        return NO_DATA
    return percent(refused / (refused + wasted)) if opened and refused + wasted else NONE


_PROBES = (Verdict.GOOD, Verdict.BAD, Verdict.NEUTRAL)


def _time(found: Indicator, never: str) -> str:
    if found.value is not None:
        return seconds(found.value)
    return NO_DATA if found.n is None else never


def _changes(run: Run) -> list[str]:
    """Each change after the start of the run's first fault of a provider, from it on."""
    starts = [window.start for window in fault_windows(run) if window.provider is not None]
    known = [change for change in changes(run) or [] if starts and change.time >= min(starts)]
    if not known:
        return []
    told = [
        f"{change.time - min(starts):+.3f} s: {change.provider}, {change.instance}, {change.state}".replace("_", "-")
        for change in known[:MOST_CHANGES]
    ]
    more = len(known) - len(told)
    return [
        f"Changes in `{run.name}`, from the start of its first fault:",
        bullets([*told, f"and {more} more"] if more else told),
    ]
