"""What the service's processes hold in memory: at rest, per job, and whether it grows."""

import math
from collections.abc import Mapping, Sequence

from reporter import ascii as chart
from reporter.indicators import indicators
from reporter.markdown import NO_DATA, NONE, NOT_RUN, fenced, megabytes, percent, table, whole
from reporter.memory import (
    CLEAR,
    ITERATIONS,
    Footprint,
    Growth,
    footprint,
    growths,
    limits,
    marginal,
    resident,
    series,
    together,
)
from reporter.runs import Run
from reporter.stamp import unquotable

LEAK = ("leak", "leak-long", "soak")
"""Scenarios that look for growth."""
LOADED = ("job-profile", "scaling", "soak")
"""Scenarios of which the memory per job is told."""
MOST_ROWS = 12
RULES = (
    f"growth whose 95 % interval lies above {percent(CLEAR, 0)} of the start within {ITERATIONS} jobs; the "
    "highest reading of the scenario `scaling`"
)


def at_rest(runs: Mapping[str, Run]) -> list[str]:
    """Each process when nobody asks for anything, from the scenario `idle`."""
    run = runs.get("idle")
    if run is None:
        return [f"Memory at rest: {NOT_RUN}."]
    if why := unquotable(run):
        return [f"Memory at rest: {why}."]
    read, most_resident = series(run), resident(run)
    if not read:
        return [f"Memory at rest: {NO_DATA}."]
    lowest = {process: min((size for _, size in readings), default=None) for process, readings in read.items()}
    rows = [
        (process, megabytes(size), megabytes(most_resident.get(process)), _limit(run, process))
        for process, size in lowest.items()
    ]
    known = [size for size in lowest.values() if size is not None]
    rows.append(("**the service**", f"**{megabytes(sum(known) if len(known) == len(lowest) else None)}**", NONE, NONE))
    return [
        (
            "Unique memory (USS) is what would be free if the process were gone; resident memory counts what processes "
            "share once for each, so it does not sum. A worker's children are the warm processes that parse documents "
            "and encode video."
        ),
        table(("Process", "Unique, lowest", "Resident, highest", "Limit"), rows, "lrrr"),
        fenced(chart.bars([(process, size / 1e6) for process, size in lowest.items() if size is not None], "MB")),
    ]


def per_job(runs: Mapping[str, Run]) -> list[str]:
    """A row per load: memory at its peak, and what each job in flight adds to rest."""
    parts = [part for name in LOADED if (run := runs.get(name)) for part in run.parts]
    if not parts:
        return [f"Memory per job: {NOT_RUN}."]
    rows, bars = [], []
    for part in parts:
        why = unquotable(part)
        found = None if why else footprint(part)
        if found is None:
            rows.append((part.name, part.load_text, *(why or NO_DATA,) * 4))
            continue
        rows.append(
            (
                part.name,
                part.load_text,
                megabytes(found.rest),
                megabytes(found.peak),
                whole(found.in_flight),
                megabytes(found.per_job),
            )
        )
        bars.append((part.name, found.per_job / 1e6))
    return [
        (
            "Growth of the unique memory of all processes of the service from rest to the highest reading of a load, "
            "by jobs in flight. At rest each process is at its lowest reading in the hour before, so what a first job, "
            "or a load before this one, made it load and keep is shared by few jobs at a low load, and by many at a "
            "high one: an upper bound. What a job more adds is the slope of the peak by jobs in flight."
        ),
        table(("Run", "Load", "At rest", "Peak", "In flight", "Over rest, per job"), rows, "llrrrr"),
        fenced(chart.bars(bars, "MB", 2)),
    ]


def leaks(runs: Mapping[str, Run]) -> list[str]:
    """The verdict on growth of each scenario that looks for it, with the statistics that it rests on."""
    shown = [run for name in LEAK if (run := runs.get(name))]
    if not shown:
        return [f"Growth with the jobs: {NOT_RUN}."]
    blocks = [
        (
            "The Theil–Sen slope of each process's unique memory by the jobs done after the warm-up: a worker's by its "
            "own jobs, of the others by those of the whole service. One reading for each number of jobs, the lowest; "
            "the 95 % interval is widened for neighbouring readings that are alike. Judged is the upper end of the "
            f"interval × {ITERATIONS} jobs as a share of the first reading."
        )
    ]
    for run in shown:
        why = unquotable(run)
        found = [] if why else growths(run)
        blocks.append(f"**`{run.name}`: {why or _verdict(run)}**")
        if sure := [one.process for one in found if one.low > 0]:
            blocks.append(f"Growth whose interval excludes 0, however small: {', '.join(sure)}.")
        if found:
            headers = (
                "Process",
                "n",
                "Jobs",
                "Start",
                "kB per job",
                "95 % interval",
                f"{ITERATIONS} jobs, upper bound",
            )
            blocks.append(table(headers, [_growth_row(one) for one in found], "lrrrrrr"))
    return blocks


def _verdict(run: Run) -> str:
    target = next((one for one in run.result.targets if one.name == "leak"), None) if run.result else None
    value = indicators(run)["leak"].value if target is None else target.value
    if value is None:
        return NO_DATA
    if target is None:
        return percent(value)
    word = "below the target" if target.passed else "it grows"
    return f"{word}: {percent(value)} at most, the target is {target.op} {percent(target.limit)}"


def _growth_row(one: Growth) -> tuple[str, ...]:
    return (
        one.process,
        str(one.n),
        f"{one.jobs:.0f}",
        megabytes(one.start),
        f"{one.slope / 1e3:+,.1f}",
        f"{one.low / 1e3:+,.1f} to {one.high / 1e3:+,.1f}",
        percent(one.worst),
    )


def course(run: Run, picture: str | None = None) -> list[str]:
    """The memory of the service along a run. `picture` is where the figure is, as seen from the report."""
    why = unquotable(run)
    points = [] if why else together(series(run))
    if not points:
        return [f"Memory along `{run.name}`: {why or NO_DATA}."]
    first, most = points[0][0], max(size for _, size in points)
    step = math.ceil(len(points) / MOST_ROWS)
    rows = [
        (f"{when - first:5.1f} s", f"{size / 1e6:,.1f} MB", size / most) for when, size in points[::step] if most > 0
    ]
    blocks = [f"`{run.name}`, all processes of the service:"]
    blocks.append(fenced(chart.tracks(rows)))
    return [*blocks, f"![Memory along {run.name}, with the ends of the jobs]({picture})"] if picture else blocks


def _limit(run: Run, process: str) -> str:
    return megabytes(found) if (found := limits(run).get(process)) else NONE


def recommendations(runs: Mapping[str, Run]) -> Sequence[str]:
    """Each from a figure that it names."""
    found = []
    for run in (runs[name] for name in LEAK if name in runs):
        found += [
            f"{one.process} grows by {one.slope / 1e3:,.0f} kB per job in `{run.name}` (95 % interval "
            f"{one.low / 1e3:,.0f} to {one.high / 1e3:,.0f}): find what it keeps, for instance with tracemalloc."
            for one in growths(run)
            if one.share(one.low) > CLEAR
        ]
    prints = scaled(runs)
    if prints:
        part, most = max(prints, key=lambda pair: pair[1].peak)
        slope = marginal([one for _, one in prints])
        further = f", and {megabytes(slope.per_job)} for each further job in flight" if slope else ""
        found.append(
            f"The service holds {megabytes(most.peak)} at its highest reading in `{part.name}` "
            f"({most.in_flight:.0f} jobs in flight), {megabytes(most.rest)} of it at rest: give it that much{further}."
        )
    return found


def scaled(runs: Mapping[str, Run]) -> list[tuple[Run, Footprint]]:
    """The loads of the scenario `scaling` of which both are known: jobs in flight and memory."""
    run = runs.get("scaling")
    return [(part, one) for part in (run.parts if run else ()) if (one := footprint(part))]
