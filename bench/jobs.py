"""What we add to a job, what a job costs at 50 users, and how long a report takes: no peer does these."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
from rich.table import Table

from bench.rig import Rig
from bench.tables import spread, table
from contract.runfolder import Op
from loadgen.document import default_document
from loadgen.indicator import Indicator
from loadgen.runner import Progress
from loadgen.scenario import ClosedLoop, Scenario, TargetSpec, Warmup
from measure import measure
from reporter.breakdown import CRITICAL_TITLES, OVERHEAD_TITLES, Breakdown, breakdowns
from reporter.cost import TITLES
from reporter.performance import write_performance_report
from reporter.rungs import rung
from reporter.runs import Run
from reporter.statistics import percentile
from stack.local import LocalStack
from stack.places import ROOT
from stack.protocol import Stack

STORES = {"redis": "the ledger's Redis", "cache": "the cache's Redis", "prometheus": "Prometheus"}
"""The processes that have no counter of their own, with their titles."""


@dataclass(frozen=True, slots=True)
class Size:
    single: int = 20
    """Jobs of one user, one after another."""
    users: int = 50
    jobs: int = 200
    reports: int = 3


@dataclass(frozen=True, slots=True)
class Measured:
    """A run's folder, and the CPU seconds per job, warm-up included, of the processes that keep no such counter."""

    folder: Path
    stores: Mapping[str, float]


async def run(rig: Rig, size: Size) -> list[Table]:
    logs = rig.folder / "logs"
    async with LocalStack(logs, on_step=lambda line: rig.say(f"jobs: {line}")) as stack:
        one = await _run(rig, stack, 1, size.single)
        many = await _run(rig, stack, size.users, size.jobs)
    return tables(rig, [one, many], size)


def tables(rig: Rig, measured: Sequence[Measured], size: Size) -> list[Table]:
    """From the folders of two runs: of one user, and of many."""
    runs = [Run.load(one.folder) for one in measured]
    return [_overhead(runs), _load(runs, measured), _reports(rig, measured, size)]


async def _run(rig: Rig, stack: Stack, users: int, jobs: int) -> Measured:
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
    before = _cpu(stack)
    result = await measure(scenario, default_document(ROOT), 1, stack, folder, Progress())
    after = _cpu(stack)
    if result.reasons:
        rig.say(f"jobs: {users} users: {result.verdict}: {'; '.join(result.reasons)}")
    done = len(Run.load(folder).jobs)
    return Measured(folder, {name: (after[name] - before[name]) / done for name in STORES})


def _cpu(stack: Stack) -> dict[str, float]:
    """Seconds so far."""
    return {name: sum(psutil.Process(stack.processes[name]).cpu_times()[:2]) for name in STORES}


def _overhead(runs: Sequence[Run]) -> Table:
    found = [breakdowns(run.measured) for run in runs]

    def row(title: str, of: Callable[[Breakdown], float]) -> list[str]:
        cells = [title]
        for jobs in found:
            values = [of(job) * 1e3 for job in jobs]
            cells += [f"{percentile(values, q):,.1f}" if values else "no data" for q in (0.5, 0.95)]
        return cells

    def critical(name: str) -> Callable[[Breakdown], float]:
        return lambda job: job.critical[name]

    def overhead(name: str) -> Callable[[Breakdown], float]:
        return lambda job: job.overhead[name]

    rows = [
        row("response time", lambda job: job.response),
        row("critical path: what the workload sets", lambda job: job.critical_seconds),
        *(row(f"  {title}", critical(name)) for name, title in CRITICAL_TITLES.items()),
        row("overhead: what we add", lambda job: job.overhead_seconds),
        *(row(f"  {title}", overhead(name)) for name, title in OVERHEAD_TITLES.items()),
    ]
    return table(
        "Jobs: overhead and its parts (ms)",
        ["", *(f"{run.load_text}, {name}" for run in runs for name in ("P50", "P95"))],
        rows,
        f"{' and '.join(f'{len(jobs)}' for jobs in found)} completed jobs. Percentiles of parts need not sum to that "
        "of the whole.",
    )


def _load(runs: Sequence[Run], measured: Sequence[Measured]) -> Table:
    rungs = [rung(run) for run in runs]
    costs = [one.cost for one in rungs]
    rows = [
        ["jobs/s", *("no data" if one.throughput is None else f"{one.throughput:,.1f}" for one in rungs)],
        ["whole machine busy", *("no data" if one.busy is None else f"{one.busy:.0%}" for one in rungs)],
        *(
            [
                f"CPU per job, {title} (ms)",
                *("no data" if c is None or name not in c.parts else f"{c.parts[name] * 1e3:,.1f}" for c in costs),
            ]
            for name, title in TITLES.items()
        ),
        ["CPU per job, all of these (ms)", *("no data" if c is None else f"{c.whole * 1e3:,.1f}" for c in costs)],
        *(
            [f"CPU per job, {title} (ms)", *(f"{one.stores[name] * 1e3:,.1f}" for one in measured)]
            for name, title in STORES.items()
        ),
    ]
    caption = (
        "One run each. CPU by the processes' own counters over the measured phase; of the stores and Prometheus by the "
        "system's, over the whole run with its warm-up and its waits."
    )
    return table("Jobs: throughput and cost", ["", *(one.load for one in rungs)], rows, caption)


def _reports(rig: Rig, measured: Sequence[Measured], size: Size) -> Table:
    seconds = []
    for number in range(size.reports):
        began = time.perf_counter()
        write_performance_report([one.folder for one in measured], rig.folder / f"report-{number}.md")
        seconds.append(time.perf_counter() - began)
    return table(
        "Report generation time",
        ["", "seconds"],
        [["first, with imports", spread(seconds[:1], 2)], ["again", spread(seconds[1:], 2)]],
        f"performance_report.md with its figures, from the folders of two runs, of {size.single} and {size.jobs} jobs.",
    )
