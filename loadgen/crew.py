"""The load generators of a run as one: each carries its share, and the records come together again."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from contract.catalogue import Phase
from contract.runfolder import JobRecord, RequestRecord
from loadgen.cancellations import Cancellations
from loadgen.child import ChildGenerator, started
from loadgen.controller import Controller
from loadgen.document import Document
from loadgen.generator import Generator, OnRecord, Record, RunBroken
from loadgen.messages import Setup, Work
from loadgen.own_metrics import JOB, load_metrics
from loadgen.repeats import Repeats
from loadgen.scenario import AnyLoad, Probes
from loadgen.share import Share
from loadgen.users import Clock

LEAD = 0.25
"""Seconds between telling generators apart of a load and its start: each must have heard of it by then."""


class Member(Protocol):
    """A generator, here or in a process of its own."""

    async def carry_out(self, work: Work, on_record: OnRecord) -> float: ...


@dataclass(slots=True)
class Carried:
    """What a load left, in order; `busy` is how much of a core each generator used."""

    jobs: list[JobRecord] = field(default_factory=list)
    requests: list[RequestRecord] = field(default_factory=list)
    busy: dict[str, float] = field(default_factory=dict)


class Crew:
    """Use `crew`. The members are named as Prometheus knows them."""

    def __init__(self, members: Mapping[str, Member], clock: Clock) -> None:
        self._members = members
        self._clock = clock

    @property
    def instances(self) -> Sequence[str]:
        return list(self._members)

    @property
    def children(self) -> list[int]:
        """Process ids of those that are apart."""
        return [one.pid for one in self._members.values() if isinstance(one, ChildGenerator)]

    @property
    def deaths(self) -> list[str]:
        return [name for name, one in self._members.items() if isinstance(one, ChildGenerator) and one.dead]

    async def carry_out(self, load: AnyLoad, phase: Phase, on_record: OnRecord, video: str = "") -> Carried:
        """The whole load. Raises RunBroken when a generator died: part of a load is another load."""
        carried = Carried()

        def take(record: Record) -> None:
            if isinstance(record, JobRecord):
                carried.jobs.append(record)
            else:
                carried.requests.append(record)
            on_record(record)

        lead = LEAD if any(isinstance(one, ChildGenerator) for one in self._members.values()) else 0.0
        work = Work(load=load, phase=phase, start=self._clock.now() + lead, video=video)
        try:
            async with asyncio.TaskGroup() as group:
                tasks = {name: group.create_task(one.carry_out(work, take)) for name, one in self._members.items()}
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from None  # the first to fail; the others were cancelled for it
        carried.busy = {name: task.result() for name, task in tasks.items()}
        carried.jobs.sort(key=lambda record: record.index)
        carried.requests.sort(key=lambda record: record.due)
        _check(load, carried)
        return carried


def _check(load: AnyLoad, carried: Carried) -> None:
    """Every index once: what the generators carried is the load, neither less nor more."""
    indexes = [record.index for record in carried.jobs]
    asked = load.requests * len(load.endpoints) if isinstance(load, Probes) else 0
    if indexes != list(range(load.jobs)) or len(carried.requests) != asked:
        raise RunBroken(
            f"The load generators left {len(indexes)} records of jobs and {len(carried.requests)} of requests, where "
            f"the load has {load.jobs} jobs and {asked} requests, each once."
        )


@contextlib.asynccontextmanager
async def crew(
    controller: Controller,
    document: Document,
    seed: int,
    run_id: str,
    generators: int,
    logs: Path,
    patience: float = 0.0,
    cancel: Cancellations | None = None,
    repeats: Repeats | None = None,
    *,
    apart: bool = False,
) -> AsyncIterator[Crew]:
    """As many generators as asked for, each scraped by Prometheus: one is this process, several are its children.

    With `apart`, a single one is a child too: what else this process does then holds up no request that is due.
    Raises RunBroken when one does not start.
    """
    clock = Clock()
    setups = [
        Setup(
            api_url=controller.api_url,
            seed=seed,
            run_id=run_id,
            metrics_host=controller.metrics_host,
            patience=patience,
            cancel=cancel,
            repeats=repeats,
            share=Share(number, generators),
            clock_offset=clock.offset,
            document_name=document.name,
            document=document.content,
        )
        for number in range(generators)
    ]
    async with contextlib.AsyncExitStack() as stack:
        if generators == 1 and not apart:
            metrics, instance = stack.enter_context(load_metrics(controller, run_id))
            yield Crew({instance: await stack.enter_async_context(Generator(setups[0], metrics))}, clock)
            return
        members: dict[str, Member] = {}
        for number, setup in enumerate(setups, start=1):
            name = f"{JOB}-{run_id}-{number}"
            child = await stack.enter_async_context(started(name, setup, logs / f"{JOB}-{number}.log"))
            controller.add_target(JOB, name, child.metrics_port)
            stack.callback(controller.remove_target, name)
            members[name] = child
        yield Crew(members, clock)
