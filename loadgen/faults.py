"""Faults of processes while a load runs: which, when, whom, for how long. The victim is drawn by the run's seed."""

import asyncio
import contextlib
import math
import random
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Protocol, Self

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, model_validator

from contract.cancellation import to_the_end
from contract.process_faults import Kind, Target
from contract.runfolder import FaultRecord

LATEST = 3600.0
LONGEST = 100.0
"""Seconds: what lasts longer, clients do not wait for."""
ACCIDENT = "death"
"""The kind of a fault that nobody inflicted."""


class Fault(BaseModel):
    """`at` and `every` are seconds in the clock of the measured load; without `times` it comes again until the load
    ends. One that lasts longer than `every` leaves out the turns that it missed. One member is drawn each time, unless
    `everyone` is meant.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    target: Target
    kind: Kind
    at: float = Field(ge=0, lt=LATEST)
    duration: float = Field(default=0.0, ge=0, le=LONGEST)
    every: float | None = Field(default=None, ge=0.1, lt=LATEST)
    times: PositiveInt | None = None
    everyone: bool = False

    @model_validator(mode="after")
    def makes_sense(self) -> Self:
        if self.kind is Kind.PAUSE and not self.duration:
            raise ValueError("a pause needs a duration")
        if self.kind is Kind.RESTART and self.duration:
            raise ValueError("a restart takes as long as it takes: `duration` belongs to term")
        if self.kind is Kind.POWER_LOSS and self.target is not Target.REDIS:
            raise ValueError("only redis can lose what is not on disk")
        if self.times is not None and self.times > 1 and self.every is None:
            raise ValueError("a fault that comes several times needs `every`")
        return self

    @property
    def repetitions(self) -> int | None:
        """None: until the load ends."""
        return 1 if self.every is None else self.times


class Accident(Protocol):
    """A process that died by itself and was started again; times in Unix seconds."""

    @property
    def name(self) -> str: ...
    @property
    def role(self) -> str: ...
    @property
    def start(self) -> float: ...
    @property
    def end(self) -> float | None: ...


class Processes(Protocol):
    """What a stack lets be done to its processes. Each call returns when it is carried out."""

    @property
    def accidents(self) -> Sequence[Accident]: ...

    def members(self, role: str) -> list[str]: ...
    async def kill(self, name: str) -> None: ...
    async def terminate(self, name: str) -> None: ...
    async def start(self, name: str) -> None: ...
    async def pause(self, name: str) -> None: ...
    async def resume(self, name: str) -> None: ...
    async def lose_power(self, name: str) -> int:
        """The bytes of the log that are gone."""
        ...


Told = Callable[[Target, Kind], contextlib.AbstractContextManager[None]]


class Faults:
    """Use `inflicted`. Whatever ends the load, everything is up and running again afterwards."""

    def __init__(self, processes: Processes | None, seed: int, told: Told | None = None) -> None:
        """`processes` may be missing where no fault is to be inflicted; `told` holds while one is in force."""
        self._known = processes
        self._seed = seed
        self._told = told or (lambda _target, _kind: contextlib.nullcontext())
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        """A process meets one fault at a time; one that is drawn while it is down is waited for."""
        self.records: list[FaultRecord] = []
        self.idle: list[Fault] = []
        """Faults that never struck, because the load had ended before."""
        self._struck: set[int] = set()

    @property
    def _processes(self) -> Processes:
        assert self._known is not None
        return self._known

    @contextlib.asynccontextmanager
    async def inflicted(self, faults: Sequence[Fault]) -> AsyncIterator[None]:
        """The faults happen while the block runs, from its beginning on; one that cannot be carried out ends it."""
        begun = asyncio.get_running_loop().time()
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._repeat(number, fault, begun)) for number, fault in enumerate(faults)]
                yield
                for task in tasks:
                    task.cancel()
        except BaseExceptionGroup as failures:
            raise _first(failures) from None
        self.idle = [fault for number, fault in enumerate(faults) if number not in self._struck]

    def add_accidents(self, since: float) -> None:
        """Notes the processes that died by themselves from then on, where the stack started them again."""
        for one in self._known.accidents if self._known else ():
            if one.start >= since:
                self.records.append(
                    FaultRecord(target=one.role, kind=ACCIDENT, victim=one.name, start=one.start, end=one.end)
                )

    async def _repeat(self, number: int, fault: Fault, begun: float) -> None:
        chance = random.Random(f"faults/{self._seed}/{number}")  # noqa: S311 - repeatable on purpose
        loop = asyncio.get_running_loop()
        strikes, turn = 0, 0
        while fault.repetitions is None or strikes < fault.repetitions:
            if fault.every is not None and strikes:
                turn = max(turn + 1, math.ceil((loop.time() - begun - fault.at) / fault.every))
            await asyncio.sleep(begun + fault.at + turn * (fault.every or 0.0) - loop.time())
            self._struck.add(number)
            members = self._processes.members(fault.target)
            async with asyncio.TaskGroup() as group:
                for victim in members if fault.everyone else [chance.choice(members)]:
                    group.create_task(self._inflict(fault, victim))
            strikes += 1

    async def _inflict(self, fault: Fault, victim: str) -> None:
        record = FaultRecord(target=fault.target, kind=fault.kind, victim=victim, start=time.time())
        struck = False

        async def strike() -> None:
            nonlocal struck
            record.start = time.time()
            await self._strike(fault, victim, record)
            struck = True
            self.records.append(record)

        async def restore() -> None:
            await self._restore(fault, victim)
            record.end = time.time()

        async with self._turns[victim]:
            with self._told(fault.target, fault.kind):
                try:
                    await to_the_end(strike())
                    await asyncio.sleep(fault.duration)
                finally:
                    if struck:
                        await to_the_end(restore())

    async def _strike(self, fault: Fault, victim: str, record: FaultRecord) -> None:
        match fault.kind:
            case Kind.KILL:
                await self._processes.kill(victim)
            case Kind.TERM | Kind.RESTART:
                await self._processes.terminate(victim)
            case Kind.PAUSE:
                await self._processes.pause(victim)
            case Kind.POWER_LOSS:
                record.lost_bytes = await self._processes.lose_power(victim)
                record.start = time.time()  # what was acknowledged until then may be lost

    async def _restore(self, fault: Fault, victim: str) -> None:
        if fault.kind is Kind.PAUSE:
            await self._processes.resume(victim)
        else:
            await self._processes.start(victim)


def _first(failures: BaseExceptionGroup[BaseException]) -> BaseException:
    cause: BaseException = failures
    while isinstance(cause, BaseExceptionGroup):
        cause = cause.exceptions[0]
    return cause
