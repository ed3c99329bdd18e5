"""The front end on a socket of its own, and jobs brought to the state that a test needs."""

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import uvicorn
from prometheus_client.parser import text_string_to_metric_families
from starlette.types import ASGIApp

from contract.artifacts import DataFolder
from contract.connections import connect
from contract.jobs import Outcome, Timings
from contract.ledger import Claim, Ending, Ledger
from contract.manifest import VIDEO_NAME, Asset, AssetKind, Manifest
from contract.settings import Deployment, Workload
from service.app import create_app
from tests.unit.orders import order

PDF = b"%PDF-1.7\nnot much of a paper\n%%EOF\n"
LIMIT = 100_000
REDIS_TIMEOUT = 0.4
VIDEO = b"\0\0\0\x18ftypisom as good as a film"


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals stay with pytest."""
        yield


@contextlib.asynccontextmanager
async def answering(app: ASGIApp) -> AsyncIterator[str]:
    """The URL under which an application answers; its lifespan has started."""
    config = uvicorn.Config(
        app, port=0, http="httptools", lifespan="on", log_config=None, access_log=False, timeout_graceful_shutdown=1
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve())
    while not server.started:
        assert not task.done(), "the server ended before it began"
        await asyncio.sleep(0.002)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        await task


@dataclass(frozen=True, slots=True)
class Front:
    """A front end: its client, and the ledger and files behind it."""

    http: httpx.AsyncClient
    ledger: Ledger
    data: DataFolder

    async def submit(
        self, content: bytes = PDF, *, key: str | None = None, fields: dict[str, str] | None = None
    ) -> httpx.Response:
        headers = {} if key is None else {"Idempotency-Key": key}
        files = {"document": ("paper.pdf", content, "application/pdf")}
        return await self.http.post("/v1/videos", files=files, data=fields, headers=headers)

    async def accepted(self) -> str:
        answer = await self.submit()
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    async def claim(self, lease: float = 60) -> Claim:
        """The oldest waiting job, as a worker takes it."""
        (claim,) = await self.ledger.claim(order("worker", lease, 1, f"{asyncio.get_running_loop().time()}-"))
        return claim

    async def finish(self, claim: Claim, outcome: Outcome = Outcome.COMPLETED) -> None:
        """Ends a claimed job; a completed one has a video and a manifest."""
        if outcome.status is Outcome.COMPLETED.status:
            folder = self.data.execution(claim.job_id, claim.token)
            folder.mkdir(parents=True)
            (folder / VIDEO_NAME).write_bytes(VIDEO)
            (folder / "secret.txt").write_bytes(b"lies there, but no manifest names it")
            self.data.manifest(claim.job_id, claim.token).write_text(manifest_of(claim.job_id).model_dump_json())
        assert await self.ledger.finish(claim.job_id, claim.token, Ending(outcome, Timings()))

    async def completed(self) -> str:
        job_id = await self.accepted()
        await self.finish(await self.claim())
        return job_id

    def uploads(self) -> list[str]:
        return [path.stem for path in self.data.uploads.iterdir()]

    async def metrics(self) -> dict[tuple[str, ...], float]:
        """All but the buckets, by name and label values in the order in which the labels are declared."""
        answer = await self.http.get("/metrics")
        assert answer.status_code == 200
        quick = "\n".join(line for line in answer.text.split("\n") if "_bucket{" not in line)
        return {
            (sample.name, *sample.labels.values()): sample.value
            for family in text_string_to_metric_families(quick)
            for sample in family.samples
        }


def manifest_of(job_id: str) -> Manifest:
    video = Asset(
        name=VIDEO_NAME,
        kind=AssetKind.VIDEO,
        scene=None,
        media_type="video/mp4",
        bytes=len(VIDEO),
        sha256=hashlib.sha256(VIDEO).hexdigest(),
    )
    return Manifest(job_id=job_id, title="A film", document_sha256="", seconds=1, scenes=[], assets=[video])


@contextlib.asynccontextmanager
async def serving(deployment: Deployment, direct_redis: str | None = None) -> AsyncIterator[Front]:
    """A front end; `direct_redis` is a way to its Redis that stays open when the front end's own does not."""
    workload = Workload(max_document_bytes=LIMIT)
    async with contextlib.AsyncExitStack() as stack:
        url = await stack.enter_async_context(answering(create_app(deployment, workload)))
        http = await stack.enter_async_context(httpx.AsyncClient(base_url=url, timeout=10, trust_env=False))
        redis = await stack.enter_async_context(connect(direct_redis or deployment.redis_url, 5))
        yield Front(http, Ledger(redis), DataFolder(deployment.data_dir))


def problem_of(answer: httpx.Response) -> dict[str, Any]:
    """The problem document of an answer, which must be a good one (RFC 9457)."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    problem: dict[str, Any] = answer.json()
    assert problem["status"] == answer.status_code
    assert problem["type"].startswith("urn:reelbench:problem:")
    assert problem["title"]
    detail = problem["detail"]
    assert len(detail.split()) >= 4, f"no sentence: {detail}"
    return problem
