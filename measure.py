"""One run from load to verdict: what ties the load generator's records to the reporter's answers.

The rooms do not know each other; this, with `evidence.py` for the counts, is the one place beside the command line that
knows all of them.
"""

import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from redis.exceptions import RedisError

from contract.connections import REDIS_DOWN, connect
from contract.errors import EnvironmentFault
from contract.jobs import DocumentInfo
from contract.process_faults import Kind
from contract.run import publish_verdict
from contract.runfolder import (
    JOBS,
    QUERIES,
    RESULT,
    RUN,
    RUNGS,
    UNEXPLAINED,
    Integrity,
    Result,
    RunInfo,
    Verdict,
    Window,
)
from contract.settings import Workload
from evidence import evidence_of
from loadgen.crew import Crew, crew
from loadgen.document import Document
from loadgen.generator import RunBroken
from loadgen.history import loss_age
from loadgen.machine import git_state, machine, versions
from loadgen.probes import successful
from loadgen.runner import Outcomes, Progress, run
from loadgen.scenario import ClosedLoop, OpenLoop, Probes, Scenario, Search, Step
from loadgen.search import bisection, conclude
from loadgen.verdict import Figure, combine, judge
from reporter.indicators import indicators
from reporter.prometheus import Prometheus, PromQLError, clock_skew, settled
from reporter.queries import collect
from reporter.runs import Run
from stack.places import ROOT
from stack.priority import go_first
from stack.protocol import Stack

SETTLE_BOUND = 20.0
"""Seconds in which Prometheus must have read every process."""


class _Observer:
    """Prometheus at `url`; `joining` are the instances that it may not know yet, the load generators among them."""

    def __init__(self, url: str, joining: Sequence[str]) -> None:
        self._url = url
        self._joining = joining

    async def settled(self, since: float) -> float:
        return await settled(self._url, since, SETTLE_BOUND, self._joining)

    async def clock_skew(self) -> float:
        return await clock_skew(self._url)


@dataclass(frozen=True, slots=True)
class _Setting:
    """What every step of a run shares."""

    document: Document
    seed: int
    stack: Stack
    observer: _Observer
    crew: Crew
    progress: Progress


async def measure(
    scenario: Scenario,
    document: Document,
    seed: int,
    stack: Stack,
    folder: Path,
    progress: Progress,
    generators: int | None = None,
) -> Result:
    """Runs the scenario against the stack, leaves all evidence in `folder`, and judges it.

    `generators` is how many processes share the load; the scenario says it otherwise.

    A scenario of several rungs leaves a folder for each in `folder/rungs/`, as complete as a run's own; what lies in
    `folder` itself is then about all of them. Raises UsageError (the document, a stack that is busy) and
    EnvironmentFault (something does not answer).
    """
    number = generators or scenario.generators
    open_loop = scenario.search is not None or any(isinstance(load, OpenLoop) for load in scenario.loads)
    if stack.fleet is not None and open_loop:
        await stack.fleet.step_back()  # a closed loop has no schedule that its generator could miss
    logs, manners = folder / "logs", (scenario.patience, scenario.cancel, scenario.cache)
    async with crew(stack, document, seed, folder.name, number, logs, *manners, apart=open_loop) as members:
        if open_loop:
            await go_first(members.children)
        observer = _Observer(stack.prometheus_url, members.instances if stack.takes_targets else ())
        result = await _steps(scenario, _Setting(document, seed, stack, observer, members, progress), folder)
    if stack.redis_url:
        async with connect(stack.redis_url, 5.0) as redis:
            with contextlib.suppress(*REDIS_DOWN):  # a dashboard's loss, not the run's
                await publish_verdict(redis, result.verdict)
    return result


async def _steps(scenario: Scenario, setting: _Setting, folder: Path) -> Result:
    if scenario.search is not None:
        return await _search(scenario, scenario.search, setting, folder)
    steps = scenario.steps()
    if len(steps) == 1:
        return await _measure(steps[0], setting, folder)
    results = [(step.load.rung, await _measure_rung(step, setting, folder)) for step in steps]
    return await _combine(results, combine(results), setting.stack, folder)


async def _search(scenario: Scenario, search: Search, setting: _Setting, folder: Path) -> Result:
    """Measures at the rates that bisection asks for."""
    results: list[tuple[str, Result]] = []
    rates = bisection(search.lowest, search.highest, search.steps)
    rate = next(rates)
    while True:
        step = scenario.step_at(rate)
        result = await _measure_rung(step, setting, folder)
        results.append((step.load.rung, result))
        try:
            rate = rates.send(result.verdict is Verdict.PASS)
        except StopIteration as end:
            sustained, _ = end.value
            return await _combine(results, conclude(scenario, results, sustained), setting.stack, folder)


async def _measure_rung(step: Step, setting: _Setting, folder: Path) -> Result:
    if step.settings is not None:
        workers = await setting.stack.restart_workers(step.settings)
        observer = _Observer(setting.stack.prometheus_url, [*setting.crew.instances, *workers])
        setting = replace(setting, observer=observer)
    rung = folder / RUNGS / step.load.rung
    rung.mkdir(parents=True)
    return await _measure(step, setting, rung, run_id=folder.name)


async def _measure(step: Step, setting: _Setting, folder: Path, run_id: str | None = None) -> Result:
    """One step; `run_id` is given where it is a rung of that run."""
    try:
        info = await _describe(step, setting)
        info.id, info.rung = (folder.name, None) if run_id is None else (f"{run_id}.{folder.name}", folder.name)
        outcomes = await run(step, info, setting.crew, setting.stack, setting.observer, folder, setting.progress)
    except PromQLError as error:
        if died := ", ".join([*setting.stack.deaths, *setting.crew.deaths]):
            raise RunBroken(f"{died} died though nothing of the run killed it: see {folder}/logs. {error}") from error
        raise
    except RedisError as error:
        raise EnvironmentFault(f"The job ledger (Redis) does not answer: {error}. The run was given up.") from error
    window = outcomes.info.window
    assert window is not None
    answers = await collect(setting.stack.prometheus_url, window.start, window.end)
    answers.save(folder / QUERIES)
    evidence = evidence_of(step, outcomes, answers, setting.stack.workload.patience)
    if evidence.unexplained:
        (folder / UNEXPLAINED).write_text("\n".join(evidence.unexplained) + "\n", encoding="utf-8")
    result = judge(step, evidence, _figures(outcomes, folder))
    _write(folder, result)
    return result


async def _combine(results: list[tuple[str, Result]], result: Result, stack: Stack, folder: Path) -> Result:
    """The files of a scenario of several rungs, from those of its rungs; PromQL over the whole of it."""
    rungs = [folder / RUNGS / name for name, _ in results]
    infos = [RunInfo.model_validate_json((rung / RUN).read_bytes()) for rung in rungs]
    first, last = infos[0], infos[-1]
    assert first.window is not None
    assert last.window is not None
    whole = first.model_copy(
        update={
            "id": folder.name,
            "rung": None,
            "load_model": "rungs",
            "concurrency": None,
            "rate": None,
            "jobs": sum(info.jobs for info in infos),
            "warmup_jobs": sum(info.warmup_jobs for info in infos),
            "ended": last.ended,
            "machine_busy": None,
            "generators_busy": {},
            "phases": [span for info in infos for span in info.phases],
            "window": Window(start=first.window.start, end=last.window.end),
        }
    )
    (folder / RUN).write_text(whole.model_dump_json(indent=1) + "\n", encoding="utf-8")
    (folder / JOBS).write_bytes(b"".join((rung / JOBS).read_bytes() for rung in rungs))
    (await collect(stack.prometheus_url, first.window.start, last.window.end)).save(folder / QUERIES)
    _write(folder, result)
    return result


def _write(folder: Path, result: Result) -> None:
    (folder / RESULT).write_text(result.model_dump_json(indent=1, by_alias=True) + "\n", encoding="utf-8")


def _figures(outcomes: Outcomes, folder: Path) -> dict[str, Figure]:
    integrity = outcomes.inspection.integrity
    found = {name: Figure(one.value, one.n, one.note) for name, one in indicators(Run.load(folder)).items()}
    answered = [successful(request) for request in outcomes.requests]
    if answered:
        found["request_success_rate"] = Figure(sum(answered) / len(answered), len(answered))
    found["loss_age"] = _losses(outcomes)
    return found | {"integrity": Figure(integrity.share, integrity.named, _integrity_note(integrity))}


def _losses(outcomes: Outcomes) -> Figure:
    cuts = [fault.start for fault in outcomes.faults if fault.kind == Kind.POWER_LOSS]
    if not cuts:
        return Figure(None)
    lost = [record for record in outcomes.measured if record.id in outcomes.reconciliation.lost]
    return Figure(loss_age(lost, cuts), len(lost), f"{len(lost)} acknowledged jobs lost")


def _integrity_note(integrity: Integrity) -> str:
    return (
        f"{integrity.sound} of {integrity.named} assets, {integrity.sound_videos} of {integrity.jobs} videos; "
        "the lower share counts"
    )


async def _describe(step: Step, setting: _Setting) -> RunInfo:
    stack, document = setting.stack, setting.document
    load = step.load
    workload, default = stack.workload, Workload.model_construct()
    revision, dirty = git_state(ROOT)
    async with Prometheus(stack.prometheus_url) as prometheus:
        prometheus_version, scrape_interval = await prometheus.version(), await prometheus.scrape_interval()
    return RunInfo(
        id="",
        scenario=step.scenario.name,
        title=step.scenario.title,
        seed=setting.seed,
        load_model=load.model,
        concurrency=load.users if isinstance(load, ClosedLoop | Probes) else None,
        rate=load.rate if isinstance(load, OpenLoop) else None,
        generators=len(setting.crew.instances),
        jobs=load.jobs,
        warmup_jobs=step.warmup.jobs,
        started=time.time(),
        git_revision=revision,
        git_dirty=dirty,
        versions=versions() | {"prometheus": prometheus_version, "redis-server": await _redis_version(stack)},
        machine=machine(),
        document=DocumentInfo(name=document.name, bytes=len(document.content), sha256=document.sha256),
        workload=workload.model_dump(mode="json"),
        workload_changed=[name for name in Workload.model_fields if getattr(workload, name) != getattr(default, name)],
        prometheus_url=stack.prometheus_url,
        scrape_interval=scrape_interval,
        foreign=not stack.redis_url,
    )


async def _redis_version(stack: Stack) -> str | None:
    if not stack.redis_url:
        return None
    async with connect(stack.redis_url, 5.0) as redis:
        return str((await redis.info("server"))["redis_version"])
