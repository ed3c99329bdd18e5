"""One run of a scenario: warm-up, settled reading, measured load, settled reading, inspection."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from pydantic import BaseModel

from contract.artifacts import DataFolder
from contract.catalogue import Phase
from contract.connections import connect
from contract.errors import UsageError
from contract.jobs import JobOptions, Outcome
from contract.records import Records
from contract.run import RunLock, hold_run
from contract.runfolder import (
    FAULTS,
    JOBS,
    PROCESS_FAULTS,
    REQUESTS,
    RUN,
    SAMPLE_VIDEO,
    FaultRecord,
    JobRecord,
    PhaseSpan,
    RequestRecord,
    RunInfo,
    Window,
)
from loadgen.client import Client
from loadgen.controller import Controller, Observer
from loadgen.crew import Crew
from loadgen.faults import Faults
from loadgen.generator import Record, RunBroken
from loadgen.history import Reconciliation, adopt, complete, jobs_since, reconcile
from loadgen.integrity import Inspection, inspect
from loadgen.providers import CallLedger
from loadgen.scenario import Step
from loadgen.spoiling import idle, look_after_cancelled, spoiling, withdraw_leftovers

DRAIN_BOUND = 60.0
REFUSED = (413, 415, 422)
"""Statuses with which the service refuses a document at the door."""


@dataclass(slots=True)
class Progress:
    """What a display shows; `changed` is called after each change."""

    phase: Phase = Phase.IDLE
    done: int = 0
    total: int = 0
    last: JobRecord | None = None
    changed: Callable[["Progress"], None] = field(default=lambda _: None)

    def enter(self, phase: Phase, total: int = 0) -> None:
        self.phase, self.done, self.total, self.last = phase, 0, total, None
        self.changed(self)

    def add(self, record: Record) -> None:
        self.done += 1
        self.last = record if isinstance(record, JobRecord) else None
        self.changed(self)


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What a run leaves besides the files of its folder. `redis_growth` are the ledger's totals over the window, None
    where it is not ours to look at.
    """

    info: RunInfo
    records: list[JobRecord]
    requests: list[RequestRecord]
    redis_growth: dict[str, int] | None
    reconciliation: Reconciliation
    inspection: Inspection
    faults: list[FaultRecord]
    idle_faults: list[str]
    calls: CallLedger | None
    deaths: list[str]

    @property
    def measured(self) -> list[JobRecord]:
        return [record for record in self.records if record.phase is Phase.MEASURE]


async def run(
    step: Step,
    info: RunInfo,
    crew: Crew,
    controller: Controller,
    observer: Observer,
    folder: Path,
    progress: Progress,
) -> Outcomes:
    """Runs one step of a scenario and writes `run.json`, `jobs.jsonl` and a sample video into `folder`.

    Raises UsageError when the document is none that the service takes, RunBroken when warm-up shows that nothing works
    or a load generator dies.
    """
    async with contextlib.AsyncExitStack() as stack:
        ledger = await stack.enter_async_context(_ledger(controller, info.id))
        client = await stack.enter_async_context(Client(controller.api_url))
        steps = _Steps(info, ledger.lock if ledger else None, progress)
        _write(folder / RUN, info)

        await withdraw_leftovers(controller)
        async with steps.phase(Phase.WARMUP, step.warmup.jobs):
            warmup = (await crew.carry_out(step.warmup, Phase.WARMUP, progress.add)).jobs
        _refuse_hopeless(warmup)
        async with steps.phase(Phase.SETTLE):
            info.clock_skew = await observer.clock_skew()
            start = await observer.settled(time.time())
            before = await ledger.records.totals() if ledger else {}
        began = time.time()
        mocks = await stack.enter_async_context(spoiling(step, controller, info))
        faults = _faults(step, controller, info.seed, ledger)
        async with steps.phase(Phase.MEASURE, step.size), _cores(info), faults.inflicted(step.scenario.faults):
            carried = await crew.carry_out(step.load, Phase.MEASURE, progress.add, _video(warmup))
        faults.add_accidents(began)
        measured, requests = carried.jobs, carried.requests
        info.generators_busy = carried.busy
        async with steps.phase(Phase.SETTLE):
            if faults.records and ledger:
                await _drained(ledger.records)
            info.window = Window(start=start, end=await observer.settled(time.time()))
            after = await ledger.records.totals() if ledger else {}
            deaths = [*controller.deaths, *crew.deaths]
            reconciliation = reconcile(measured, await jobs_since(client, began))
            adopt(measured, reconciliation)
            await complete(client, [one for one in measured if one.seed_key in reconciliation.unseen])
            calls = await mocks.ledger(info.id) if mocks else None
            look_after_cancelled(measured, calls, DataFolder(controller.data_dir))
            left = [record for record in measured if record.id not in reconciliation.lost]
            inspection = await inspect(client, left, JobOptions())

    info.ended = time.time()
    records = [*warmup, *measured]
    _write(folder / RUN, info)
    _write_lines(folder / JOBS, records)
    if calls is not None and step.scenario.provider_faults:
        _write_lines(folder / FAULTS, calls.faulted)
    if faults.records:
        _write_lines(folder / PROCESS_FAULTS, faults.records)
    if requests:
        _write_lines(folder / REQUESTS, requests)
    if inspection.sample is not None:
        (folder / SAMPLE_VIDEO).write_bytes(inspection.sample)
    return Outcomes(
        info=info,
        records=records,
        requests=requests,
        redis_growth={name: after[name] - before[name] for name in after} if ledger else None,
        reconciliation=reconciliation,
        inspection=inspection,
        faults=faults.records,
        idle_faults=[
            *(f"{fault.kind} {fault.target} at {fault.at:g} s" for fault in faults.idle),
            *idle(step.scenario.provider_faults, info.faults_start, calls),
        ],
        calls=calls,
        deaths=deaths,
    )


@dataclass(frozen=True, slots=True)
class _Ledger:
    records: Records
    lock: RunLock


@contextlib.asynccontextmanager
async def _ledger(controller: Controller, run_id: str) -> AsyncIterator[_Ledger | None]:
    """Held for this run. None where the stack is somebody else's, who lets nobody at it."""
    if not controller.redis_url:
        yield None
        return
    async with connect(controller.redis_url, 5.0) as redis, hold_run(redis, run_id) as lock:
        yield _Ledger(Records(redis), lock)


def _faults(step: Step, controller: Controller, seed: int, ledger: _Ledger | None) -> Faults:
    """Raises UsageError where they are wanted of a stack that others keep up."""
    if controller.fleet is None and step.scenario.faults:
        raise UsageError(f"The scenario {step.scenario.name} ends processes, so it needs a stack of its own.")
    return Faults(controller.fleet, seed, ledger.lock.under if ledger else None)


def _video(warmup: list[JobRecord]) -> str:
    """A job that requests can ask about."""
    return next(record.id for record in warmup if record.id is not None and record.outcome is Outcome.COMPLETED)


@contextlib.asynccontextmanager
async def _cores(info: RunInfo) -> AsyncIterator[None]:
    """Notes how much of the machine was in use, by whomever."""
    before = psutil.cpu_times()
    yield
    after = psutil.cpu_times()
    total, idle = sum(after) - sum(before), after.idle - before.idle
    info.machine_busy = 1 - idle / total if total > 0 else None


@dataclass(frozen=True, slots=True)
class _Steps:
    """Enters phases everywhere at once: in the ledger for the exporter, in `run.json`, on the display."""

    info: RunInfo
    lock: RunLock | None
    progress: Progress

    @contextlib.asynccontextmanager
    async def phase(self, phase: Phase, total: int = 0) -> AsyncIterator[None]:
        if self.lock is not None:
            await self.lock.enter(phase)
        self.progress.enter(phase, total)
        span = PhaseSpan(name=phase, start=time.time())
        self.info.phases.append(span)
        yield
        span.end = time.time()


def _refuse_hopeless(warmup: list[JobRecord]) -> None:
    """Stops a run that cannot mean anything: a document that the service refuses, or no job that gets through."""
    for record in warmup:
        if record.error is not None and record.error.code.blames_document:
            raise UsageError(f"The document cannot be used: {record.error.message}")
        if record.http_status in REFUSED:
            raise UsageError(f"The document cannot be used: {record.detail}")
    if not any(record.outcome is Outcome.COMPLETED for record in warmup):
        raise RunBroken(f"No job of the warm-up was completed. {_why(warmup[0])}")


def _why(record: JobRecord) -> str:
    return record.detail or (record.error.message if record.error else "")


async def _drained(records: Records) -> None:
    """Until nobody works any more: a job whose end Redis has forgotten runs again after its client has gone."""
    with contextlib.suppress(TimeoutError):  # what does not end is lost, and the result says so
        async with asyncio.timeout(DRAIN_BOUND):
            while (backlog := await records.backlog()).queued or backlog.in_progress:  # noqa: ASYNC110 - Redis is asked
                await asyncio.sleep(0.1)


def _write(path: Path, info: RunInfo) -> None:
    path.write_text(info.model_dump_json(indent=1) + "\n", encoding="utf-8")


def _write_lines(path: Path, records: Sequence[BaseModel]) -> None:
    path.write_text("".join(record.model_dump_json() + "\n" for record in records), encoding="utf-8")
