"""One load generator: a share of a load, carried by one process with connections and metrics of its own."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from contract.catalogue import LoadMetrics, Phase
from contract.errors import ReelbenchError
from contract.lag import watching_lag
from contract.runfolder import JobRecord, RequestRecord
from loadgen.client import Client, Form
from loadgen.document import Document
from loadgen.messages import Setup, Work
from loadgen.probes import Prober
from loadgen.scenario import AnyLoad, ClosedLoop, Probes, Rest
from loadgen.users import Clock, Users
from loadgen.wire import Wire

Record = JobRecord | RequestRecord
OnRecord = Callable[[Record], None]


LAG_EVERY = 0.02
"""Seconds: a generator that wakes up late measures itself, so it looks closely."""


class RunBroken(ReelbenchError):
    """The run could not be carried to its end; its figures would mean nothing."""

    exit_code = 3


class Generator:
    """Use as a context manager; it closes its connections at the end."""

    def __init__(self, setup: Setup, metrics: LoadMetrics) -> None:
        """Raises UsageError when the address is no http URL."""
        self._setup = setup
        self._metrics = metrics
        self._clock = Clock(setup.clock_offset)
        self._form = Form.of(Document(setup.document_name, setup.document))
        self._client = Client(setup.api_url, setup.patience)
        self._wire = Wire(setup.api_url)

    async def __aenter__(self) -> Self:
        await self._client.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._wire.close()
        await self._client.__aexit__(kind, error, trace)

    async def carry_out(self, work: Work, on_record: OnRecord) -> float:
        """Our share of the work; how much of a core this process used meanwhile."""
        began, cpu = time.perf_counter(), time.process_time()
        async with contextlib.AsyncExitStack() as stack:
            if work.phase is Phase.MEASURE:
                await stack.enter_async_context(watching_lag(self._metrics.lag_seconds, LAG_EVERY))
            await self._drive(work.load, work, on_record)
        return (time.process_time() - cpu) / (time.perf_counter() - began)

    async def _drive(self, load: AnyLoad, work: Work, on_record: OnRecord) -> None:
        share = self._setup.share
        if isinstance(load, Rest):
            await asyncio.sleep(load.seconds)
            return
        if isinstance(load, Probes):
            await Prober(self._wire, work.video, on_record, self._clock, share).closed_loop(load, work.start)
            return
        users = Users(
            self._client,
            self._form,
            self._setup.seed,
            self._metrics,
            on_record,
            run_id=self._setup.run_id,
            clock=self._clock,
            share=share,
            cancel=self._setup.cancel,
            repeats=self._setup.repeats,
        )
        if isinstance(load, ClosedLoop):
            await users.closed_loop(load, work.phase, work.start)
        else:
            await users.open_loop(load, work.phase, work.start)
