"""Each run with faults along its load: success of jobs, breakers, the queue."""

from collections.abc import Mapping, Sequence

from contract.calls import BreakerState
from contract.jobs import Outcome, Status
from reporter import ascii as chart
from reporter.fault_windows import due_after, last_timed, met_faults
from reporter.indicators import indicators
from reporter.markdown import NO_DATA, NONE, NOT_RUN, fenced, seconds, table, whole
from reporter.runs import Run
from reporter.timeline import Span, Timeline, timeline

WIDTH = 60
MARK = "!"
SIGNS = {BreakerState.OPEN: "O", BreakerState.HALF_OPEN: "h"}


def backlog(runs: Mapping[str, Run]) -> list[str]:
    """A row per run with faults: how long the queue grew, and how long it took to be as if nothing had been."""
    rows = [_row(run, found) for run in runs.values() if met_faults(run) and (found := timeline(run))]
    if not rows:
        return [f"Runs with faults: {NOT_RUN}."]
    headers = (
        *("Run", "Longest queue", "at", "Most in progress", "Unfinished at the last fault's end"),
        *("Waiting jobs started after", "Earlier jobs ended after"),
    )
    return [
        (
            "Queue and jobs in progress as Prometheus read them; between two readings they may have been more. The "
            "last columns are exact, from the records: jobs due before the end of the last fault that had no end by "
            "then, how long the last of those that were waiting took to be started (faults of processes only), and how "
            "long the last of all of them took to end."
        ),
        table(headers, rows, "lrrrrrr"),
    ]


def _row(run: Run, found: Timeline) -> tuple[str, ...]:
    longest = found.most_queued
    progress = [value for _, value in found.backlog.get(Status.IN_PROGRESS, ()) if value is not None]
    drain = indicators(run)["drain_time"]
    return (
        run.name,
        whole(None if longest is None else longest[0]),
        NONE if longest is None or not longest[0] else seconds(longest[1]),
        whole(max(progress, default=None)),
        *_unfinished(run, NONE if drain.n is None or not run.faults else seconds(drain.value)),
    )


def _unfinished(run: Run, drain: str) -> tuple[str, str, str]:
    """Of the jobs due before the last fault's end: those that had not ended by then, and how long they took."""
    fault = last_timed(run)
    if fault is None or fault.end is None:
        return NONE, NONE, NONE
    after = {job.index for job in due_after(run, fault.end)}
    before = [job for job in run.measured if job.index not in after]
    ends = [job.held if job.finished is None else job.finished for job in before]
    known = [end for end in ends if end is not None]
    if len(known) < len(ends):
        return NO_DATA, drain, NO_DATA
    late = [end for end in known if end > fault.end]
    return str(len(late)), drain, seconds(max(late, default=fault.end) - fault.end)


def courses(runs: Mapping[str, Run], pictures: Mapping[str, str]) -> list[str]:
    """A chart of each run with faults, in characters, and its figure."""
    shown = [(run, found) for run in runs.values() if has_course(run) and (found := timeline(run))]
    if not shown:
        return [f"Runs with faults: {NOT_RUN}."]
    blocks = [
        (
            "Time runs from the start of the load; jobs are counted where they were due. A fault was on where a line "
            f"is marked {MARK}, and in the shaded parts of the figures."
        )
    ]
    for run, found in shown:
        picture = pictures.get(run.info.scenario)
        blocks += [f"### {run.info.scenario}: {run.info.title}", *_charts(found)]
        blocks += [f"![Success, breakers and queue of {run.info.scenario} against time]({picture})"] * bool(picture)
    return blocks


def has_course(run: Run) -> bool:
    """Whether something was done to it at moments that a chart can show."""
    return bool(run.info.provider_faults or run.faults)


def _charts(found: Timeline) -> list[str]:
    return [
        "Jobs completed, of those due then:",
        fenced(chart.tracks([_success(found, number) for number in range(len(found.bins))])),
        *_breakers(found),
        *_queue(found),
    ]


def _label(found: Timeline, number: int) -> str:
    one = found.bins[number]
    return f"{one.start:5.1f}–{one.end:5.1f} s {MARK if found.faulty(one.start, one.end) else ' '}"


def _success(found: Timeline, number: int) -> tuple[str, str, float | None]:
    one = found.bins[number]
    text = f"{one.outcomes[Outcome.COMPLETED]} of {one.jobs}" if one.jobs else NONE
    return _label(found, number), text, one.success


def _breakers(found: Timeline) -> list[str]:
    if found.breakers is None:
        return [f"Circuit breakers: {NO_DATA}."]
    if not found.breakers:
        return ["Circuit breakers: closed all the time."]
    width = max(len(title) for title in found.breakers)
    faults = "".join(MARK if found.faulty(*_column(found, i)) else "." for i in range(WIDTH))
    rows = [f"{'fault'.ljust(width)}  {faults}"]
    rows += [f"{title.ljust(width)}  {_strip(found, spans)}" for title, spans in found.breakers.items()]
    legend = f"Circuit breakers, a character for {found.length / WIDTH:.2f} s: O open, h half-open, . closed:"
    return [legend, fenced("\n".join(rows))]


def _column(found: Timeline, number: int) -> tuple[float, float]:
    return number * found.length / WIDTH, (number + 1) * found.length / WIDTH


def _strip(found: Timeline, spans: Sequence[tuple[BreakerState, Span]]) -> str:
    """Open outranks half-open, which is short."""
    signs = []
    for number in range(WIDTH):
        states = {state for state, span in spans if span.touches(*_column(found, number))}
        signs.append(next((sign for state, sign in SIGNS.items() if state in states), "."))
    return "".join(signs)


def _queue(found: Timeline) -> list[str]:
    points = found.backlog.get(Status.QUEUED)
    if not points:
        return [f"Queue: {NO_DATA}."]
    most = max((value for _, value in points if value is not None), default=0.0)
    if not most:
        return ["Queue: empty at every reading."]
    rows = []
    for number, one in enumerate(found.bins):
        read = [value for when, value in points if value is not None and one.start <= when < one.end]
        longest = max(read, default=None)
        rows.append((_label(found, number), whole(longest), None if longest is None else longest / most))
    return ["Longest queue at a reading:", fenced(chart.tracks(rows))]
