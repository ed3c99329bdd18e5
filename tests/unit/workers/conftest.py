import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from hashlib import sha256
from pathlib import Path

import orjson
import pytest
from prometheus_client import CollectorRegistry

from contract.artifacts import DataFolder
from contract.calls import Provider
from contract.catalogue import WorkerMetrics
from contract.jobs import DocumentInfo, JobOptions, JobRequest, new_job_id
from contract.ledger import RENDER, Claim
from contract.settings import Workload
from mocks.tts import Speaker
from mocks.visual import Painter
from tests.test_data_helper import SCENES, UploadableDocument
from tests.unit.mocks.server import latencies, running
from tests.unit.workers.faulty import FaultyProviders
from tests.unit.workers.material import Scene
from tests.unit.workers.rendering import Bench
from workers import adts
from workers.providers.connections import session
from workers.providers.http import Caller
from workers.providers.visual import _picture
from workers.resilience.gate import Gate
from workers.sandbox.pool import Sandbox
from workers.tools import Tools


@pytest.fixture(scope="session")
def speaker() -> Speaker:
    return Speaker()


@pytest.fixture(scope="session")
def speak(speaker: Speaker) -> Callable[..., bytes]:
    def speak(text: str, form: str = "aac") -> bytes:
        body = {"model": "m", "input": text, "voice": "alloy", "response_format": form}
        return speaker.speak(orjson.dumps(body)).content

    return speak


@pytest.fixture(scope="session")
def draw() -> Callable[[str], bytes]:
    painter = Painter()

    def draw(prompt: str) -> bytes:
        return _picture(painter.paint(orjson.dumps({"model": "m", "prompt": prompt, "style": "clean"})).content)

    return draw


@pytest.fixture
def scenes(tmp_path: Path, speak: Callable[..., bytes], draw: Callable[[str], bytes]) -> list[Scene]:
    """Three scenes of different lengths on disk, in `tmp_path`."""
    made = []
    for number, words in enumerate((12, 20, 5), start=1):
        scene = Scene(number, f"A diagram of scene {number}", speak(f"word{number} " * words))
        (tmp_path / scene.picture_name).write_bytes(draw(scene.prompt))
        (tmp_path / scene.narration_name).write_bytes(scene.narration)
        assert adts.seconds(scene.narration) > 1
        made.append(scene)
    return made


@pytest.fixture(scope="session")
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(1, Workload().sandbox_memory_bytes).running() as running:
        yield running


@pytest.fixture(scope="module")
def providers() -> Iterator[str]:
    """The base URL of mocked providers that are nearly without latency."""
    with running(**latencies("0.002", "0.0005")) as (_, address):
        yield f"{address}/v1"


@pytest.fixture
async def faulty(providers: str) -> AsyncIterator[FaultyProviders]:
    """Before the mocked providers; without a fault at first."""
    async with FaultyProviders(providers).serving() as running:
        yield running


@pytest.fixture
async def new_bench(
    providers: str, sandbox: Sandbox, tmp_path: Path, mock_file_context: UploadableDocument
) -> AsyncIterator[Callable[..., Bench]]:
    data = DataFolder(tmp_path / "data")
    data.create()
    async with contextlib.AsyncExitStack() as sessions:

        def make(
            urls: dict[Provider, str] | None = None, seed_key: str = "bench", scenes: int = SCENES, **settings: object
        ) -> Bench:
            registry = CollectorRegistry()
            metrics = WorkerMetrics(registry)
            workload = Workload().model_copy(update=settings)
            gates = {provider: Gate(provider, workload.breaker, metrics) for provider in Provider}

            def caller(provider: Provider) -> Caller:
                http = session(provider, metrics, pooling=workload.pooling)
                sessions.push_async_callback(http.close)
                url = (urls or {}).get(provider, providers)
                return Caller(http, provider, url, "", workload, metrics, gates[provider])

            callers = {provider.value: caller(provider) for provider in Provider}
            info = DocumentInfo(
                name=mock_file_context.name,
                bytes=len(mock_file_context.content),
                sha256=sha256(mock_file_context.content).hexdigest(),
            )
            request = JobRequest(document=info, options=JobOptions(seed_key=seed_key, scenes=scenes))
            claim = Claim(new_job_id(), "token-1", RENDER, request.model_dump_json(), 1, 0.0, 0.0)
            data.upload(claim.job_id).write_bytes(mock_file_context.content)
            return Bench(Tools(workload, data, sandbox, metrics=metrics, **callers), registry, claim, gates)

        yield make
