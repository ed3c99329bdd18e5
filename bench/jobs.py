"""What we add to a job, what a job costs at 50 users, and how long a report takes: no peer does these."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.table import Table

from bench.rig import Rig
from bench.tables import spread, table
from contract.runfolder import Op
from loadgen.document import default_document
from loadgen.runner import Progress
from loadgen.scenario import ClosedLoop, Indicator, Scenario, TargetSpec, Warmup
from measure import measure
from reporter.breakdown import CRITICAL_TITLES, OVERHEAD_TITLES, breakdowns
from reporter.cost import TITLES
from reporter.performance import write_performance_report
from reporter.rungs import rung
from reporter.runs import Run
from reporter.statistics import percentile
from stack.local import LocalStack
from stack.places import ROOT
from stack.protocol import Stack


@dataclass(frozen=True, slots=True)
class Size:
    single: int = 20
    """Jobs of one user, one after another."""
    users: int = 50
    jobs: int = 200
    reports: int = 3


async def run(rig: Rig, size: Size) -> list[Table]:
    logs = rig.folder / "logs"
    async with LocalStack(logs, on_step=lambda line: rig.say(f"jobs: {line}")) as stack:
        one = await _run(rig, stack, 1, size.single)
        many = await _run(rig, stack, size.users, size.jobs)
    return tables(rig, [one, many], size)


def tables(rig: Rig, folders: Sequence[Path], size: Size) -> list[Table]:
    """From the folders of two runs: of one user, and of many."""
    runs = [Run.load(folder) for folder in folders]
    return [_overhead(runs[0]), _load(runs), _reports(rig, folders, size.reports)]


async def _run(rig: Rig, stack: Stack, users: int, jobs: int) -> Path:
    """The seed is fixed: the same planned latencies each time."""
    folder = rig.folder / f"users-{users}"
    folder.mkdir()
    scenario = Scenario(
        name=folder.name,
        title=f"{users} users",
        description="A bench; nothing is judged.",
        load=ClosedLoop(model="closed", users=users, jobs=jobs),
        warmup=Warmup(users=users, jobs=min(users, 8)),
        targets=(TargetSpec(indicator=Indicator.SUCCESS_RATE, op=Op.AT_LEAST, limit=0.0),),
    )
    rig.say(f"jobs: {jobs} jobs by {users} user{'s' if users > 1 else ''}")
    result = await measure(scenario, default_document(ROOT), 1, stack, folder, Progress())
    if result.reasons:
        rig.say(f"jobs: {users} users: {result.verdict}: {'; '.join(result.reasons)}")
    return folder


def _overhead(run: Run) -> Table:
    found = breakdowns(run.measured)

    def row(title: str, values: list[float]) -> list[str]:
        shown = [f"{percentile(values, q) * 1e3:,.1f}" for q in (0.5, 0.95)] if values else ["no data"] * 2
        return [title, *shown]

    rows = [
        row("response time", [job.response for job in found]),
        row("critical path: what the workload sets", [job.critical_seconds for job in found]),
        *(row(f"  {title}", [job.critical[name] for job in found]) for name, title in CRITICAL_TITLES.items()),
        row("overhead: what we add", [job.overhead_seconds for job in found]),
        *(row(f"  {title}", [job.overhead[name] for job in found]) for name, title in OVERHEAD_TITLES.items()),
    ]
    caption = f"{len(found)} completed jobs. Medians of parts need not sum to the median of the whole."
    return table("Jobs: one user, overhead and its parts", ["", "P50 (ms)", "P95 (ms)"], rows, caption)


def _load(runs: Sequence[Run]) -> Table:
    rungs = [rung(run) for run in runs]
    costs = [one.cost for one in rungs]
    rows = [
        ["jobs/s", *("no data" if one.throughput is None else f"{one.throughput:,.1f}" for one in rungs)],
        [
            "overhead, P50 (ms)",
            *("no data" if o.overhead is None else f"{o.overhead.overhead * 1e3:,.1f}" for o in rungs),
        ],
        ["whole machine busy", *("no data" if one.busy is None else f"{one.busy:.0%}" for one in rungs)],
        *(
            [
                f"CPU per job, {title} (ms)",
                *("no data" if c is None or name not in c.parts else f"{c.parts[name] * 1e3:,.1f}" for c in costs),
            ]
            for name, title in TITLES.items()
        ),
        ["CPU per job, all of these (ms)", *("no data" if c is None else f"{c.whole * 1e3:,.1f}" for c in costs)],
    ]
    caption = "CPU by the processes' own counters; Redis and Prometheus are not in it. One run each."
    return table("Jobs: throughput and cost", ["", *(one.load for one in rungs)], rows, caption)


def _reports(rig: Rig, folders: Sequence[Path], times: int) -> Table:
    seconds = []
    for number in range(times):
        began = time.perf_counter()
        write_performance_report(folders, rig.folder / f"report-{number}.md")
        seconds.append(time.perf_counter() - began)
    return table(
        "Report",
        ["", "seconds"],
        [["first, with imports", spread(seconds[:1], 2)], ["again", spread(seconds[1:], 2)]],
        "performance_report.md with its figures from the folders of two runs.",
    )
