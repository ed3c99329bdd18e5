"""How long it took until a fault was noticed, and until jobs succeeded again."""

from collections.abc import Mapping

from reporter.alerts import QUERY, first_alert
from reporter.fault_windows import fault_windows, last_timed, load_start
from reporter.indicator import Indicator
from reporter.indicators import indicators
from reporter.markdown import NO_DATA, NONE, NOT_RUN, percent, seconds, table
from reporter.recovery import STREAK, arrival_gap, first_completion
from reporter.runs import Run

DEFINITIONS = (
    f"*Time to recovery*: from the end of the last fault that has one to the due time of the first of {STREAK} "
    "completed jobs in a row; jobs come one by one, so it is known to the mean gap between two of them and no better. "
    "A job that is due before a breaker has closed may wait and succeed; *first job done* tells when, after the same "
    "end, the first completed job was in its client's hands. *Success after repair*: completed jobs of those due after "
    "that end. *Time to detect*: from the start of the first fault of a provider to the first opening of its circuit "
    "breaker, by the workers' own clock. *First alert*: from the start of the first fault to the first alert that "
    "began to fire after it; most are evaluated every 5 s."
)


def recovery_time(runs: Mapping[str, Run]) -> list[str]:
    """A row per run that met a fault with an end of its own, or a fault of a provider."""
    rows = [_row(run) for run in runs.values() if run.info.provider_faults or run.faults]
    if not rows:
        return [f"Runs with faults: {NOT_RUN}."]
    headers = (
        *("Run", "Last fault with an end", "Ended", "Time to recovery", "Resolution", "First job done"),
        *("Jobs due after", "Success after repair", "Time to detect", "First alert", "Note"),
    )
    return [DEFINITIONS, table(headers, rows, "llrrrrrrrll")]


def _row(run: Run) -> tuple[str, ...]:
    found = indicators(run)
    fault, start, gap = last_timed(run), load_start(run), arrival_gap(run)
    ended = None if fault is None or fault.end is None or start is None else fault.end - start
    mttr, after = found["mttr"], found["success_after"]
    if fault is None:
        cells = ("none", *(NONE,) * 6)
    else:
        times = (seconds(ended), seconds(mttr.value), seconds(gap), seconds(first_completion(run)))
        cells = (fault.what, *times, str(mttr.n), percent(after.value))
    note = mttr.note if mttr.value is None else None
    return run.name, *cells, _detected(run, found["detect_time"]), _alerted(run), note or ""


def _detected(run: Run, found: Indicator) -> str:
    if found.value is not None:
        return seconds(found.value)
    if not run.info.provider_faults:
        return NONE
    return "not opened" if found.n == 0 else NO_DATA


def _alerted(run: Run) -> str:
    begun = min((window.start for window in fault_windows(run)), default=None)
    if begun is None or QUERY not in run.answers:
        return NO_DATA
    first = first_alert(run, begun)
    return "none" if first is None else f"{first.name} after {first.start - begun:.0f} s"
