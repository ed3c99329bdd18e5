"""Faults happen when they are due, to whom the seed says, and leave everything up again."""

import asyncio
import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from pydantic import ValidationError

from contract.process_faults import Kind, Target
from loadgen.faults import Accident, Fault, Faults

WORKERS = ["worker-1", "worker-2", "worker-3"]


@dataclass
class Processes:
    """Notes what is done to them, and who is up."""

    done: list[tuple[str, str]] = field(default_factory=list)
    down: set[str] = field(default_factory=set)
    fails: bool = False
    accidents: tuple[Accident, ...] = ()

    def members(self, role: str) -> list[str]:
        return WORKERS if role == "worker" else [role]

    async def kill(self, name: str) -> None:
        assert name not in self.down, "it is down already"
        await asyncio.sleep(0.01)
        if self.fails:
            raise OSError("planted")
        self._strike("kill", name)

    async def terminate(self, name: str) -> None:
        self._strike("terminate", name)

    async def start(self, name: str) -> None:
        await asyncio.sleep(0.01)
        self._restore("start", name)

    async def pause(self, name: str) -> None:
        self._strike("pause", name)

    async def resume(self, name: str) -> None:
        self._restore("resume", name)

    async def lose_power(self, name: str) -> int:
        self._strike("lose_power", name)
        return 512

    def _strike(self, what: str, name: str) -> None:
        self.done.append((what, name))
        self.down.add(name)

    def _restore(self, what: str, name: str) -> None:
        self.done.append((what, name))
        self.down.discard(name)


def fault(kind: str = "kill", target: str = "worker", **fields: object) -> Fault:
    return Fault.model_validate({"kind": kind, "target": target, "at": 0.0} | fields)


@pytest.mark.parametrize(
    ("kind", "target", "expected"),
    [
        (Kind.KILL, Target.API, ["kill", "start"]),
        (Kind.TERM, Target.API, ["terminate", "start"]),
        (Kind.PAUSE, Target.REDIS, ["pause", "resume"]),
        (Kind.POWER_LOSS, Target.REDIS, ["lose_power", "start"]),
    ],
)
async def test_a_fault_ends_with_the_process_up_again(kind: Kind, target: Target, expected: list[str]) -> None:
    processes = Processes()
    faults = Faults(processes, 1)
    async with faults.inflicted([fault(kind, target, duration=0.05)]), asyncio.timeout(5):
        while not faults.records or faults.records[0].end is None:  # noqa: ASYNC110 - the faults tell nobody
            await asyncio.sleep(0.005)
    assert processes.done == [(what, target.value) for what in expected]
    (record,) = faults.records
    assert record.end is not None
    assert record.end - record.start >= 0.05
    assert record.lost_bytes == (512 if kind is Kind.POWER_LOSS else None)


async def test_the_seed_alone_draws_the_victims() -> None:
    async def victims(seed: int, duration: float) -> list[str]:
        faults = Faults(Processes(), seed)
        async with faults.inflicted([fault(every=0.1, duration=duration)]), asyncio.timeout(5):
            while len(faults.records) < 6:  # noqa: ASYNC110 - the faults tell nobody
                await asyncio.sleep(0.005)
        return [record.victim for record in faults.records[:6]]

    first = await victims(7, 0.0)
    assert await victims(7, 0.15) == first, "how long a victim is down must not matter"
    assert len({tuple(await victims(seed, 0.0)) for seed in range(4)}) > 1
    assert {*first} <= {*WORKERS}


async def test_the_end_of_the_load_ends_a_fault_and_what_is_down_comes_back() -> None:
    processes = Processes()
    async with Faults(processes, 1).inflicted(
        [fault(duration=60, everyone=True), fault("pause", "redis", duration=60)]
    ):
        async with asyncio.timeout(5):
            while processes.down != {*WORKERS, "redis"}:  # noqa: ASYNC110 - the faults tell nobody
                await asyncio.sleep(0.005)
    assert not processes.down


async def test_a_load_that_breaks_off_leaves_nothing_down() -> None:
    processes = Processes()

    async def break_off() -> None:
        async with Faults(processes, 1).inflicted([fault("pause", "redis", duration=60)]):
            await asyncio.sleep(0.05)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await break_off()
    assert not processes.down


async def test_a_fault_that_cannot_be_inflicted_ends_the_load() -> None:
    with pytest.raises(OSError, match="planted"):
        async with Faults(Processes(fails=True), 1).inflicted([fault()]):
            await asyncio.Event().wait()


async def test_turns_that_a_fault_missed_because_it_lasted_are_left_out() -> None:
    """Else each next one would strike the moment the one before is over."""
    faults = Faults(Processes(), 1)
    async with faults.inflicted([fault(target="redis", every=0.4, duration=1.0, times=3)]), asyncio.timeout(20):
        while len(faults.records) < 3:  # noqa: ASYNC110 - the faults tell nobody
            await asyncio.sleep(0.005)
    begun = faults.records[0].start
    turns = [(record.start - begun) / 0.4 for record in faults.records]
    assert turns == pytest.approx([round(turn) for turn in turns], abs=0.45)
    assert all(later - earlier >= 2.5 for earlier, later in pairwise(turns))


async def test_a_restart_is_a_sigterm_and_a_start_at_once() -> None:
    processes = Processes()
    faults = Faults(processes, 1)
    async with faults.inflicted([fault("restart", "service")]), asyncio.timeout(5):
        while not faults.records or faults.records[0].end is None:  # noqa: ASYNC110 - the faults tell nobody
            await asyncio.sleep(0.005)
    assert processes.done == [("terminate", "service"), ("start", "service")]


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"kind": "pause"}, "a pause needs a duration"),
        ({"kind": "power-loss"}, "only redis can lose what is not on disk"),
        ({"kind": "restart", "duration": 1}, "`duration` belongs to term"),
        ({"times": 3}, "a fault that comes several times needs `every`"),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(fields: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        fault(**fields)  # type: ignore[arg-type] # as a TOML file would


async def test_a_fault_that_cannot_be_inflicted_is_not_mended_either() -> None:
    processes = Processes(fails=True)
    with pytest.raises(OSError, match="planted"):
        async with Faults(processes, 1).inflicted([fault()]):
            await asyncio.sleep(0.1)
    assert processes.done == [], "a second process would be started beside the first"


async def test_a_fault_whose_time_did_not_come_is_told() -> None:
    faults = Faults(Processes(), 1)
    late = fault(at=60.0)
    async with faults.inflicted([fault(), late]):
        await asyncio.sleep(0.1)
    assert faults.idle == [late]
    assert faults.records[0].end is not None, "the load ended while the process was coming back"


def test_without_times_a_fault_comes_until_the_load_ends() -> None:
    assert fault(every=2.0).repetitions is None
    assert fault(every=2.0, times=5).repetitions == 5
    assert fault().repetitions == 1


async def test_a_fault_is_told_for_as_long_as_it_is_in_force() -> None:
    told: list[tuple[str, Target, Kind]] = []

    @contextlib.contextmanager
    def tell(target: Target, kind: Kind) -> Iterator[None]:
        told.append(("begins", target, kind))
        assert not processes.done
        yield
        told.append(("ends", target, kind))
        assert processes.done == [("pause", "redis"), ("resume", "redis")]

    processes = Processes()
    faults = Faults(processes, 1, tell)
    async with faults.inflicted([fault(Kind.PAUSE, Target.REDIS, duration=0.02)]), asyncio.timeout(5):
        while len(told) < 2:  # noqa: ASYNC110 - the faults tell nobody
            await asyncio.sleep(0.005)
    assert told == [("begins", Target.REDIS, Kind.PAUSE), ("ends", Target.REDIS, Kind.PAUSE)]
