"""The CPU time that jobs take: by stage, by process, in user and in kernel mode, and what it holds up."""

from collections.abc import Mapping, Sequence

from reporter import ascii as chart
from reporter.cost import cost
from reporter.cpu import counted, lags, spent
from reporter.indicators import indicators
from reporter.markdown import NO_DATA, NONE, NOT_RUN, fenced, millis, percent, table, whole
from reporter.memory import SERVICE
from reporter.runs import Run
from reporter.stamp import unquotable
from reporter.statistics import sample_floor

PROFILE = ("job-profile", "scaling")
"""Scenarios from which the profile of a job is taken, the first that was run."""
LONG_LAG = 0.020
"""Seconds of event-loop lag, P99, from which on a process is worth a look."""
MUCH_SYSTEM = 0.3
"""Share of the CPU time spent in the kernel from which on it is worth a look."""
RULES = (
    f"the largest part of a job's CPU time; event loops late by more than {millis(LONG_LAG)} (P99); more than "
    f"{percent(MUCH_SYSTEM, 0)} of a process's CPU time in the kernel"
)


def profiled(runs: Mapping[str, Run]) -> Run | None:
    """The run of one job at a time."""
    run = next((runs[name] for name in PROFILE if name in runs), None)
    return run.parts[0] if run else None


def by_stage(runs: Mapping[str, Run], picture: str | None = None) -> list[str]:
    """CPU time per completed job, by who spends it. `picture` is where the figure is, as seen from the report."""
    run = profiled(runs)
    if run is None:
        return [f"CPU by stage: {NOT_RUN}."]
    why = unquotable(run)
    found = None if why else cost(run)
    if found is None:
        return [f"CPU by stage: {why or NO_DATA}."]
    rows = [(title, millis(seconds), percent(seconds / found.service)) for title, seconds in found.largest()]
    rows.append(("**the service**", f"**{millis(found.service)}**", percent(1.0)))
    blocks = [
        (
            f"Per completed job of `{run.name}`. Parse and assemble run in processes of their own, which measure each "
            "task; script, scenes and publish wait for others and share the workers' event loop with the queue, so "
            "their CPU time is that of the workers."
        ),
        table(("Part", "CPU per job", "Share"), rows, "lrr"),
        fenced(chart.bars([(title, 1000 * seconds) for title, seconds in found.largest()], "ms", 2)),
    ]
    return [*blocks, f"![CPU time per job, by stage]({picture})"] if picture else blocks


def by_process(run: Run | None) -> list[str]:
    """Of one run: CPU time by mode, switches and collections of garbage."""
    if run is None:
        return [f"CPU by process: {NOT_RUN}."]
    why = unquotable(run)
    every = [] if why else spent(run)
    if not every:
        return [f"CPU by process: {why or NO_DATA}."]
    rows = []
    for one in every:
        switches = [whole(counted(run, "process.switches", one.process, kind=k)) for k in ("voluntary", "involuntary")]
        collections = counted(run, "process.collections", one.process)
        rows.append(
            (
                one.process,
                millis(one.user),
                millis(one.system),
                millis(one.measuring) if one.measuring else NONE,
                percent(one.system_share, 0),
                *switches,
                NONE if collections is None else whole(collections),
            )
        )
    headers = (
        *("Process", "User", "System", "of it, measuring", "System share without"),
        *("Switches, voluntary", "involuntary", "Collections"),
    )
    return [f"`{run.name}`, over the whole run:", table(headers, rows, "lrrrrrrr")]


def utilisation(runs: Mapping[str, Run]) -> list[str]:
    """A row per load. Judged is the open loop alone: users of a closed one are as quick as the machine lets them."""
    parts = [part for name in ("idle", "scaling", "soak") if (run := runs.get(name)) for part in run.parts]
    if not parts:
        return [f"CPU utilisation: {NOT_RUN}."]
    rows, bars = [], []
    for part in parts:
        if why := unquotable(part):
            rows.append((part.name, part.load_text, why, NONE, ""))
            continue
        found = indicators(part)["cpu_utilisation"]
        per_job = cost(part)
        rows.append(
            (
                part.name,
                part.load_text,
                percent(found.value),
                millis(per_job.service) if per_job else NONE,
                found.note or "",
            )
        )
        bars.append((part.name, percent(found.value), found.value))
    return [
        (
            "CPU time of the service's processes over the time of the load × the cores that they may use. A closed "
            "loop is as busy as the machine lets it be, so only the open loop at 5 jobs a second is judged."
        ),
        table(("Run", "Load", "Utilisation", "CPU per job", "Note"), rows, "llrrl"),
        fenced(chart.tracks(bars)),
    ]


def loop_lag(runs: Mapping[str, Run]) -> list[str]:
    """How late the event loops woke up, by kind of process and load."""
    parts = [part for name in ("idle", "job-profile", "scaling") if (run := runs.get(name)) for part in run.parts]
    if not parts:
        return [f"Event-loop lag: {NOT_RUN}."]
    rows = [
        (part.name, job, whole(lag.n), millis(lag.p50), f"{'' if lag.supported else '≤ '}{millis(lag.high)}")
        for part in parts
        if unquotable(part) is None
        for job, lag in lags(part).items()
    ]
    return [
        (
            "Every 100 ms each event loop is asked how late it is; whatever else is due on it is as late. Up to 1 ms "
            "is the grain of uvloop's timers. By PromQL, so within 30 % (the width of a bucket). Fewer than "
            f"{sample_floor(0.99)} looks carry no P99: ≤ bounds the longest of them."
        ),
        table(("Run", "Processes", "n", "P50", "P99"), rows, "llrrr") if rows else f"Event-loop lag: {NO_DATA}.",
    ]


def collecting(runs: Mapping[str, Run]) -> list[str]:
    """What it costs to read these figures."""
    rows = []
    for run in runs.values():
        for part in run.parts:
            if why := unquotable(part):
                rows.append((part.name, why, ""))
                continue
            found = indicators(part)["collecting_cost"]
            rows.append((part.name, NO_DATA if found.value is None else f"{100 * found.value:.2f} %", found.note or ""))
    if not rows:
        return [f"Cost of the collector: {NOT_RUN}."]
    return [
        "CPU time that reading them takes at each scrape, as a share of a core; the process that needs most for it:",
        table(("Run", "Share of a core", "Process"), rows, "lrl"),
    ]


def recommendations(runs: Mapping[str, Run]) -> Sequence[str]:
    """Each from a figure that it names."""
    found = []
    profile = profiled(runs)
    price = cost(profile) if profile else None
    if profile and price:
        title, seconds = price.largest()[0]
        found.append(
            f"Of the {millis(price.service)} of CPU that a job costs in `{profile.name}`, the largest part is "
            f"“{title}” with {millis(seconds)} ({percent(seconds / price.service, 0)}): a saving counts most there."
        )
    late = [
        (lag.high, job, part.name)
        for run in runs.values()
        for part in run.parts
        for job, lag in lags(part).items()
        if job in SERVICE and lag.supported and lag.high is not None and lag.high > LONG_LAG
    ]
    if late:
        p99, job, name = max(late)
        found.append(
            f"The event loops of `{job}` are late by {millis(p99)} (P99) in `{name}`, the worst of {len(late)} over "
            f"{millis(LONG_LAG)}: find what holds them up, or spread the load over more processes."
        )
    busy = [one for one in (spent(profile) if profile else ()) if one.ours and one.system_share > MUCH_SYSTEM]
    if busy and profile:
        one = max(busy, key=lambda one: one.system_share)
        found.append(
            f"{one.process} spends {percent(one.system_share, 0)} of its CPU time in the kernel in `{profile.name}`: "
            "fewer and larger reads and writes would save some of it."
        )
    return found
