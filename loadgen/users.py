"""Users of a closed loop, arrivals of an open one, and what each of their jobs leaves behind."""

import asyncio
import hashlib
import time
from collections.abc import Callable, Iterator

from contract.catalogue import LoadMetrics, Phase
from contract.jobs import Job, Outcome, Stage, Status, Voice
from contract.runfolder import CancelRecord, JobRecord
from loadgen.cancellations import CancelAt, Cancellations
from loadgen.client import END_BOUND, Client, Form
from loadgen.repeats import Namespaces, Repeats
from loadgen.scenario import ClosedLoop, OpenLoop
from loadgen.share import WHOLE, Share
from loadgen.wire import RequestError

LATE = 0.010
"""Seconds after its due time from which a request counts as sent late."""

DONE = (Outcome.COMPLETED, Outcome.PARTIAL)
"""Jobs whose response time counts: one that fails at once is not a quick one, and the success rate tells of it."""

LOOK = 0.005
"""Seconds between two looks at a job that is to be cancelled at a stage."""
STAGES = list(Stage)
VOICES = list(Voice)

OnRecord = Callable[[JobRecord], None]


class Clock:
    """Unix time that runs on the monotonic clock, so that a correction of the system's clock bends no figure."""

    def __init__(self, offset: float | None = None) -> None:
        """`offset` is that of another process's clock: the two then tell the same time."""
        self.offset = time.time() - time.perf_counter() if offset is None else offset

    def now(self) -> float:
        return time.perf_counter() + self.offset


def outcome_of(job: Job) -> Outcome:
    return Outcome.PARTIAL if job.status is Status.COMPLETED and job.failed_scenes else Outcome(job.status.value)


def script_seed(seed_key: str) -> int:
    """A seed of its own for each job, those of the warm-up too, so that a mix-up between two of them shows."""
    digest = hashlib.blake2b(seed_key.encode(), digest_size=4).digest()
    return int.from_bytes(digest) >> 1


class Users:
    """Sends the jobs of one share of a load. Each leaves one record, given to `on_record` when the job is over."""

    def __init__(
        self,
        client: Client,
        form: Form,
        seed: int,
        metrics: LoadMetrics,
        on_record: OnRecord,
        *,
        run_id: str = "",
        clock: Clock | None = None,
        share: Share = WHOLE,
        cancel: Cancellations | None = None,
        repeats: Repeats | None = None,
    ) -> None:
        self._client = client
        self._form = form
        self._seed = seed
        self._run_id = run_id
        self._metrics = metrics
        self._on_record = on_record
        self._clock = clock or Clock()
        self._share = share
        self._cancellations = cancel
        self._repeats = repeats
        self._inputs: list[int] = []
        self._namespaces = Namespaces(run_id, 0.0, shared=False)

    async def closed_loop(self, load: ClosedLoop, phase: Phase, start: float) -> None:
        """Our share of the load's users, from `start` on until our share of its jobs was sent."""
        self._begin(load.jobs, phase, start)
        indexes = iter(self._share.of_users(load.users, load.jobs))
        async with asyncio.TaskGroup() as group:
            for user in self._share.each(load.users):
                group.create_task(self._user(indexes, phase, start + load.joins(user)))

    async def open_loop(self, load: OpenLoop, phase: Phase, start: float) -> None:
        """Our share of the arrivals, however many are unfinished, up to our share of the load's `most_waiting`.

        The record of an arrival beyond that says that it was dropped.
        """
        self._begin(load.jobs, phase, start)
        arrivals = load.arrivals(self._seed)
        most_waiting = len(self._share.each(load.most_waiting))
        unfinished: set[asyncio.Task[None]] = set()
        async with asyncio.TaskGroup() as group:
            for index in self._share.each(load.jobs):
                record = self._record(index, phase, start + arrivals[index])
                await self._until(record.due)
                if len(unfinished) >= most_waiting:
                    self._drop(record)
                    continue
                task = group.create_task(self._live(record))
                unfinished.add(task)
                task.add_done_callback(unfinished.discard)

    def _begin(self, jobs: int, phase: Phase, start: float) -> None:
        """Warm-up repeats nothing: it must not fill the cache, nor be quicker than what it warms up."""
        repeats = self._repeats if phase is Phase.MEASURE else None
        self._inputs = repeats.inputs(jobs, self._seed) if repeats else []
        self._namespaces = Namespaces(self._run_id, start, shared=repeats is not None)

    async def _until(self, due: float) -> None:
        """Without a pause when the time has come: what is due goes out before any answer is looked at."""
        early = due - self._clock.now()
        if early > 0:
            await asyncio.sleep(early)

    async def _user(self, indexes: Iterator[int], phase: Phase, joins: float) -> None:
        await self._until(joins)
        for index in indexes:
            record = self._record(index, phase, self._clock.now())
            record.sent = record.due  # a closed loop has no schedule: a request is due when its user sends it
            await self._live(record)

    def _record(self, index: int, phase: Phase, due: float) -> JobRecord:
        asked = self._inputs[index] if self._inputs else None
        return JobRecord(index=index, phase=phase, seed_key=f"{self._seed}/{phase}/{index}", due=due, input=asked)

    def _fields(self, record: JobRecord) -> dict[str, str]:
        """Jobs that ask for the same have one script seed and one voice, and each its own seed key."""
        named = {"seed_key": record.seed_key, "cache_namespace": self._namespaces.of(record.seed_key)}
        if record.input is None:
            return named | {"seed": str(script_seed(record.seed_key))}
        seed = script_seed(f"{self._seed}/{record.phase}/input-{record.input}")
        return named | {"seed": str(seed), "voice": VOICES[record.input % len(VOICES)]}

    def _drop(self, record: JobRecord) -> None:
        record.dropped = True
        if record.phase is Phase.MEASURE:
            self._metrics.arrivals.inc()
            self._metrics.dropped.inc()
        self._on_record(record)

    async def _live(self, record: JobRecord) -> None:
        """One job from due time to end; failures of requests are part of the record."""
        measured = record.phase is Phase.MEASURE
        self._metrics.in_flight.inc()
        if record.sent is None:
            record.sent = self._clock.now()
        if measured:
            self._metrics.arrivals.inc()
            if record.sent - record.due > LATE:
                self._metrics.late.inc()
        try:
            key = f"{self._run_id}/{record.seed_key}"
            record.id = (await self._client.submit(self._form, self._fields(record), key, record.interruptions)).id
            record.acknowledged = self._clock.now()
            if measured and self._cancellations and (where := self._cancellations.of(record.index)):
                await self._cancel(record, record.id, where)
            job = await self._client.end_of(record.id, record.interruptions)
            record.held = self._clock.now()
            _fill(record, job)
        except RequestError as error:
            record.request_failure, record.detail, record.http_status = error.failure, str(error), error.status
        finally:
            self._metrics.in_flight.dec()
        if measured:
            self._metrics.errors.inc(len(record.interruptions))
        if measured and record.outcome is not None and record.response_seconds is not None:
            self._metrics.finished.labels(record.outcome).inc()
            if record.outcome in DONE:
                self._metrics.response_seconds.observe(record.response_seconds)
        self._on_record(record)

    async def _cancel(self, record: JobRecord, job_id: str, where: CancelAt) -> None:
        """Once the job has reached a stage; one that has ended by then is left alone."""
        met, until = None, self._clock.now() + END_BOUND
        while where.stage is not None:
            job = await self._client.state_of(job_id)
            if job.status.terminal or self._clock.now() > until:
                return
            if job.stage is not None and STAGES.index(job.stage) >= STAGES.index(where.stage):
                met = job.stage
                break
            await asyncio.sleep(LOOK)
        record.cancel = CancelRecord(stage=where.stage, met=met, sent=self._clock.now())
        record.cancel.status = (await self._client.cancel(job_id)).status
        record.cancel.acknowledged = self._clock.now()


def _fill(record: JobRecord, job: Job) -> None:
    assert record.held is not None
    record.response_seconds = record.held - record.due
    record.outcome = outcome_of(job)
    record.accepted, record.started, record.finished = job.created_at, job.started_at, job.completed_at
    record.failed_scenes, record.error = job.failed_scenes, job.error
    record.bytes, record.video_seconds = job.bytes, job.seconds
    record.executions, record.history, record.timings = job.executions, job.history, job.timings
