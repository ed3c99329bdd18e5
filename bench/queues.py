"""Our queue against stock arq and SAQ: how soon an idle worker starts a job, how fast a full queue is drained."""

import asyncio
import random
import time
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from redis.asyncio import Redis
from rich.table import Table

from bench.rig import Program, Rig, install_peers, own_redis, program
from bench.tables import ratio, spread, table
from contract import keys
from reporter.statistics import percentile

SLOTS = 32
SETTLED = 0.3
"""Seconds that an idle worker gets before its latency is taken."""


@dataclass(frozen=True, slots=True)
class Size:
    picks: int = 200
    """Jobs picked up one at a time, in each repetition."""
    jobs: int = 2000
    """Jobs drained, in each repetition."""
    repetitions: int = 3


@dataclass(frozen=True, slots=True)
class Contender:
    """`pending` counts, with ZCARD, jobs that have not ended; `pause` is the longest one between two jobs, in seconds.

    arq polls: between its jobs the pause is up to a whole poll, so that jobs fall anywhere within one. As that
    takes long, one that `polls` has half as many picks, in one repetition.
    """

    title: str
    module: str
    pending: tuple[str, ...]
    worker_args: tuple[str, ...] = ()
    pause: float = 0.02
    polls: bool = False


OURS = Contender("Reelbench", "queue_ours", (keys.QUEUE, keys.LEASES))
REPORTING = Contender("Reelbench, stages reported", "queue_ours", (keys.QUEUE, keys.LEASES), ("reporting",))
SAQ = Contender("SAQ", "queue_saq", ("saq:default:incomplete",))
ARQ = Contender("arq", "queue_arq", ("arq:queue",), pause=0.5, polls=True)
CONTENDERS = (OURS, REPORTING, SAQ, ARQ)


@dataclass(slots=True)
class Figures:
    """One value per repetition. Latencies in ms, rates in jobs/s, costs per job, CPU in µs per job."""

    p50: list[float] = field(default_factory=list)
    p95: list[float] = field(default_factory=list)
    pick_trips: list[float] = field(default_factory=list)
    pick_commands: list[float] = field(default_factory=list)
    enqueued: list[float] = field(default_factory=list)
    drained: list[float] = field(default_factory=list)
    drain_trips: list[float] = field(default_factory=list)
    drain_commands: list[float] = field(default_factory=list)
    worker_cpu: list[float] = field(default_factory=list)
    redis_cpu: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Load:
    """What Redis has done so far: reads from sockets, commands with those inside scripts, CPU seconds."""

    reads: int
    commands: int
    cpu: float


async def run(rig: Rig, size: Size, contenders: tuple[Contender, ...] = CONTENDERS) -> list[Table]:
    peers = await install_peers(rig) if SAQ in contenders else None
    found = {contender: Figures() for contender in contenders}
    async with own_redis(rig) as url, Redis.from_url(url, decode_responses=True) as redis:
        for repetition in range(size.repetitions):
            for contender, figures in found.items():
                python = peers if contender is SAQ else None
                bench = _Bench(rig, redis, url, contender, python)
                if repetition == 0 or not contender.polls:
                    rig.say(f"queue: {contender.title}, pick-up, {repetition + 1} of {size.repetitions}")
                    await bench.pick_up(size.picks // 2 if contender.polls else size.picks, figures)
                rig.say(f"queue: {contender.title}, drain, {repetition + 1} of {size.repetitions}")
                await bench.drain(size.jobs, figures)
    return [_picks(found, size), _drains(found, size)]


@dataclass(frozen=True, slots=True)
class _Bench:
    rig: Rig
    redis: Redis
    url: str
    contender: Contender
    python: Path | None

    def _program(self, role: str, *args: str) -> AbstractAsyncContextManager[Program]:
        more = {} if self.python is None else {"python": self.python}
        return program(self.rig, self.contender.module, role, self.url, *args, **more)

    def _producer(self) -> AbstractAsyncContextManager[Program]:
        return self._program("produce")

    def _worker(self) -> AbstractAsyncContextManager[Program]:
        return self._program("work", str(SLOTS), *self.contender.worker_args)

    async def pick_up(self, picks: int, figures: Figures) -> None:
        """One job at a time for an idle worker: from before the call that enqueues it to the job's first line."""
        await self.redis.flushall()
        latencies: list[float] = []
        async with self._producer() as producer, self._worker() as worker:
            await self._one(producer, worker)  # the first pays for connections and scripts
            await asyncio.sleep(SETTLED)
            before = await self._load()
            for _ in range(picks):
                latencies.append(await self._one(producer, worker))
                # a job's end takes a few ms; then the worker is idle again
                await asyncio.sleep(random.uniform(0.005, self.contender.pause))  # noqa: S311 - no secret
            polls = await self._until_nothing_pends()
            after = await self._load()
        figures.p50.append(percentile(latencies, 0.50))
        figures.p95.append(percentile(latencies, 0.95))
        figures.pick_trips.append((after.reads - before.reads - polls) / picks)
        figures.pick_commands.append((after.commands - before.commands - polls) / picks)

    async def _one(self, producer: Program, worker: Program) -> float:
        """Milliseconds."""
        start = int((await producer.ask("1")).split()[0])
        return (int(await worker.read()) - start) / 1e6

    async def drain(self, jobs: int, figures: Figures) -> None:
        """Enqueues all jobs, then starts a worker: from the first job's first line until none is left."""
        await self.redis.flushall()
        before = await self._load()
        async with self._producer() as producer:
            start, end = map(int, (await producer.ask(str(jobs))).split())
        enqueued = await self._load()
        async with self._worker() as worker:
            begins = [int(await worker.read())]
            process = psutil.Process(worker.pid)
            cpu = sum(process.cpu_times()[:2])
            begins += [int(await worker.read()) for _ in range(jobs - 1)]
            polls = await self._until_nothing_pends()
            ended = time.monotonic_ns()
            cpu = sum(process.cpu_times()[:2]) - cpu
            after = await self._load()
        figures.enqueued.append(jobs / (end - start) * 1e9)
        figures.drained.append(jobs / (ended - begins[0]) * 1e9)
        figures.drain_trips.append((after.reads - before.reads - polls) / jobs)
        figures.drain_commands.append((after.commands - before.commands - polls) / jobs)
        figures.worker_cpu.append(cpu / jobs * 1e6)
        figures.redis_cpu.append((after.cpu - enqueued.cpu) / jobs * 1e6)

    async def _until_nothing_pends(self) -> int:
        """How many commands the question took."""
        commands = 0
        while True:
            commands += len(self.contender.pending)
            if not sum([await self.redis.zcard(key) for key in self.contender.pending]):
                return commands
            await asyncio.sleep(0.002)

    async def _load(self) -> Load:
        said = await self.redis.info("everything")
        commands = sum(one["calls"] for name, one in said.items() if name.startswith("cmdstat_"))
        return Load(said["total_reads_processed"], commands, said["used_cpu_user"] + said["used_cpu_sys"])


def _picks(found: dict[Contender, Figures], size: Size) -> Table:
    base = found.get(SAQ)
    rows = [
        [
            contender.title,
            spread(f.p50, 2),
            spread(f.p95, 2),
            ratio(f.p50, base.p50) if base else "no data",
            ratio(f.p95, base.p95) if base else "no data",
            spread(f.pick_trips, 1),
            spread(f.pick_commands, 1),
        ]
        for contender, f in found.items()
    ]
    return table(
        "Queue: pick-up by an idle worker",
        ["", "P50 (ms)", "P95 (ms)", "P50 : SAQ", "P95 : SAQ", "round trips/job", "Redis commands/job"],
        rows,
        f"From before the enqueueing call to the job's first line; {size.picks} jobs one at a time. Commands count "
        f"those inside scripts. Median of {size.repetitions} repetitions (lowest–highest); arq once, half as many.",
    )


def _drains(found: dict[Contender, Figures], size: Size) -> Table:
    base = found.get(SAQ)
    rows = [
        [
            contender.title,
            spread(f.enqueued),
            spread(f.drained),
            ratio(f.drained, base.drained) if base else "no data",
            spread(f.drain_trips, 1),
            spread(f.drain_commands, 1),
            spread(f.worker_cpu),
            spread(f.redis_cpu),
        ]
        for contender, f in found.items()
    ]
    columns = ["", "enqueued/s", "drained/s", "drained : SAQ", "round trips/job", "commands/job"]
    return table(
        f"Queue: {size.jobs:,} jobs that do nothing, one worker, {SLOTS} slots",
        [*columns, "worker CPU (µs/job)", "Redis CPU (µs/job)"],
        rows,
        f"Enqueued one after another, then drained. Trips and commands from enqueueing to the end. Median of "
        f"{size.repetitions} repetitions (lowest–highest).",
    )
