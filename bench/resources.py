"""What measuring costs, and how late the workers' event loops are: no peer does these."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.table import Table

from bench.rig import Rig
from bench.tables import ratio, spread, table
from contract.catalogue import Phase
from contract.runfolder import Op
from loadgen.crew import crew
from loadgen.document import default_document
from loadgen.indicator import Indicator
from loadgen.runner import Progress
from loadgen.scenario import ClosedLoop, Scenario, TargetSpec
from measure import measure
from reporter.cpu import lags
from reporter.runs import Run
from stack.clock import cpu_of
from stack.local import LocalStack
from stack.parts import COMMANDS
from stack.places import ROOT

MEASURED, UNMEASURED = "metrics on", "metrics that do nothing"
SILENT: Mapping[str, Sequence[str]] = {
    job: (sys.executable, "-m", "bench.programs.unmeasured", command[-1]) for job, command in COMMANDS.items()
}


@dataclass(frozen=True, slots=True)
class Size:
    users: int = 20
    jobs: int = 200
    repetitions: int = 3
    """Of the pair with and without metrics."""


async def run(rig: Rig, size: Size) -> list[Table]:
    folder = await _judged(rig, size)
    spent: dict[str, list[float]] = {MEASURED: [], UNMEASURED: []}
    for number in range(size.repetitions):
        pair = [(MEASURED, COMMANDS), (UNMEASURED, SILENT)]
        for name, commands in pair if number % 2 == 0 else reversed(pair):
            rig.say(f"resources: {size.jobs} jobs with {name}")
            spent[name].append(await _cpu_per_job(rig, size, commands, number))
    return [*_from_run(folder), _comparison(spent, size)]


async def _judged(rig: Rig, size: Size) -> Path:
    folder = rig.folder / "run"
    folder.mkdir()
    scenario = Scenario(
        name="resources",
        title=f"{size.users} users",
        description="A bench; nothing is judged.",
        load=ClosedLoop(model="closed", users=size.users, jobs=size.jobs),
        targets=(TargetSpec(indicator=Indicator.SUCCESS_RATE, op=Op.AT_LEAST, limit=0.0),),
    )
    rig.say(f"resources: {size.jobs} jobs by {size.users} users")
    async with LocalStack(rig.folder / "logs") as stack:
        await measure(scenario, default_document(ROOT), 1, stack, folder, Progress())
    return folder


async def _cpu_per_job(rig: Rig, size: Size, commands: Mapping[str, Sequence[str]], seed: int) -> float:
    """CPU seconds of the stack's processes by the kernel's clocks, since those without metrics tell of none."""
    document, load = default_document(ROOT), ClosedLoop(model="closed", users=size.users, jobs=size.jobs)
    async with (
        LocalStack(rig.folder / "logs", commands=commands) as stack,
        crew(stack, document, seed, "bench", 1, rig.folder / "logs") as members,
    ):
        await members.carry_out(load.model_copy(update={"jobs": size.users}), Phase.WARMUP, lambda _: None)
        before = cpu_of(stack)
        carried = await members.carry_out(load, Phase.MEASURE, lambda _: None)
        return (cpu_of(stack) - before) / len(carried.jobs)


def _from_run(folder: Path) -> list[Table]:
    run_ = Run.load(folder)
    late = [
        [job, f"{lag.n:,.0f}", *("no data" if q is None else f"{q * 1e3:,.1f}" for q in (lag.p50, lag.high))]
        for job, lag in lags(run_).items()
    ]
    scrapes = {one.labels["instance"]: one.value for one in run_.answers.samples("meta.scrapes")}
    costs = [
        [name, f"{1e3 * one.value / count:,.2f}"]
        for one in run_.answers.samples("cpu.collecting")
        if one.value and (count := scrapes.get(name := one.labels["instance"]))
    ]
    return [
        table(
            f"Resources: event-loop lag at {run_.load_text} (ms)",
            ["", "n", "P50", "P99 or max"],
            late,
            "By PromQL; up to 1 ms is the grain of uvloop's timers; of fewer than 299 looks a bound of the longest. "
            "The aim for the workers is a P99 below 20 ms.",
        ),
        table(
            "Resources: CPU time to read what a process uses (ms per scrape)",
            ["", "CPU"],
            sorted(costs),
            "A worker reads its warm processes too.",
        ),
    ]


def _comparison(spent: Mapping[str, Sequence[float]], size: Size) -> Table:
    rows = [
        [name, spread([1e3 * one for one in values], 2), ratio(values, spent[UNMEASURED])]
        for name, values in spent.items()
    ]
    caption = (
        f"Median of {size.repetitions} (lowest–highest) of {size.jobs} jobs by {size.users} users, each on a stack of "
        "its own, in turn; all our processes but the load generator, by the kernel's clocks. The aim is at most 1.03×."
    )
    return table("Resources: CPU per job with and without metrics (ms)", ["", "CPU per job", "ratio"], rows, caption)
