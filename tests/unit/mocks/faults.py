"""A mock that takes orders, as a run leads it and as a worker calls it."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Self

import aiohttp
import httpx
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families
from pydantic import TypeAdapter

from contract.calls import CallKey, CallResult, Provider
from contract.catalogue import WorkerMetrics
from contract.jobs import CallTiming, VisualStyle, Voice
from contract.provider_faults import Answered, CallNote, FaultKind, FaultNote, FaultPlan, ProviderFault
from contract.settings import Workload
from tests.unit.mocks.server import latencies
from workers.providers import llm, tts, visual
from workers.providers.connections import session
from workers.providers.errors import CallError
from workers.providers.http import CallContext, Caller
from workers.resilience.gate import Gate

TOKEN = "a token of these tests"
LONG_AGO = 1.0
DOCUMENT = " ".join(f"The stage called number {name} waits for a late answer." for name in range(40))
NOTES: TypeAdapter[FaultNote | CallNote] = TypeAdapter(FaultNote | CallNote)
_runs = itertools.count(1)


def fault(provider: Provider, kind: FaultKind, **terms: object) -> ProviderFault:
    return ProviderFault.model_validate({"provider": provider, "kind": kind} | terms)


def plan(*faults: ProviderFault, run: str | None = None, start: float = LONG_AGO) -> FaultPlan:
    """For a run of its own, unless one is named."""
    return FaultPlan(run=run or f"run-{next(_runs)}", start=start, faults=faults)


def obedient(data_dir: Path, mean: str = "0.001", sd: str = "0.0001") -> dict[str, str]:
    """Settings of a mock that takes orders."""
    return latencies(mean, sd) | {"T2V_CONTROL_TOKEN": TOKEN, "T2V_DATA_DIR": str(data_dir)}


async def until(condition: Callable[[], object], bound: float = 10) -> None:
    async with asyncio.timeout(bound):
        while not condition():  # noqa: ASYNC110 - the conditions are in files and at servers
            await asyncio.sleep(0.005)


def sampled(text: str, name: str, **labels: str) -> float:
    """The one sample of an exposition with this name and exactly these labels."""
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    (found,) = [sample.value for sample in samples if sample.name == name and sample.labels == labels]
    return found


class Mock:
    """`url` is its address, `control` a client with the token, `http` a session as a worker has it."""

    def __init__(self, url: str, data_dir: Path, control: httpx.AsyncClient, http: aiohttp.ClientSession) -> None:
        self.url = url
        self.data_dir = data_dir
        self.control = control
        self.http = http

    @classmethod
    @asynccontextmanager
    async def at(cls, url: str, data_dir: Path) -> AsyncIterator[Self]:
        """Clients of a mock that has TOKEN."""
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with (
            httpx.AsyncClient(base_url=url, headers=headers, timeout=10, trust_env=False) as control,
            session(Provider.TTS, WorkerMetrics(CollectorRegistry()), pooling=True) as http,
        ):
            yield cls(url, data_dir, control, http)

    def path(self, run: str) -> Path:
        return self.data_dir / "provider_calls" / f"{run}.jsonl"

    @asynccontextmanager
    async def under(self, ordered: FaultPlan) -> AsyncIterator[str]:
        """The plan is in force within the block; yields its run."""
        answer = await self.control.put("/control/faults", content=ordered.model_dump_json(exclude_unset=True))
        assert answer.status_code == 204, answer.text
        try:
            yield ordered.run
        finally:
            assert (await self.control.delete("/control/faults")).status_code == 204

    def notes(self, run: str) -> list[FaultNote | CallNote]:
        """As they stand in the file now."""
        lines = self.path(run).read_bytes().splitlines()
        return [NOTES.validate_json(line) for line in lines]

    def calls(self, run: str) -> list[CallNote]:
        return [note for note in self.notes(run) if isinstance(note, CallNote)]

    def ends(self, run: str) -> list[FaultNote]:
        return [note for note in self.notes(run) if isinstance(note, FaultNote)]

    def answers(self, run: str) -> list[Answered]:
        return [note.answered for note in self.ends(run)]

    def ended(self, run: str, answered: Answered) -> bool:
        """Whether its one call with a fault is over, in this way."""
        return self.answers(run) == [answered]

    async def metric(self, name: str, **labels: str) -> float:
        return sampled((await self.control.get("/metrics")).text, name, **labels)

    async def call(self, provider: Provider, key: CallKey, bound: float = 10) -> tuple[CallResult, CallError | None]:
        """A first attempt by the worker's own client: how it ended for it, by its own log."""
        timing, error = await self.timed(provider, key, bound)
        assert timing.result is not None
        return timing.result, error

    async def timed(self, provider: Provider, key: CallKey, bound: float = 10) -> tuple[CallTiming, CallError | None]:
        metrics = WorkerMetrics(CollectorRegistry())
        workload = Workload().model_copy(update={"call_timeout": bound, "call_attempts": 1})
        gate = Gate(provider, workload.breaker, metrics)
        caller = Caller(self.http, provider, f"{self.url}/v1", "", workload, metrics, gate)
        log: list[CallTiming] = []
        context = CallContext(key, log, deadline=float("inf"))
        error = None
        try:
            if provider is Provider.LLM:
                await llm.write_script(caller, DOCUMENT, 5, 1, context)
            elif provider is Provider.TTS:
                await tts.narrate(caller, "A few words to read.", Voice.NOVA, context)
            else:
                await visual.draw(caller, "A chart of lateness", VisualStyle.CLEAN, context)
        except CallError as failure:
            error = failure
        (timing,) = log
        return timing, error


def keys(count: int, seed: str = "seed") -> Sequence[CallKey]:
    return [CallKey(f"{seed}/measure/{index}", 1 + index % 5, 1, 1) for index in range(count)]
