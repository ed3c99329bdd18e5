"""Small HTTP servers on loopback that misbehave on demand."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator

from aiohttp import web

from contract.jobs import Job, JobOptions, Stage, Status
from stack.ports import LOOPBACK
from tests.unit.loadgen.handmade import DOCUMENT, video_id


@contextlib.asynccontextmanager
async def serving(app: web.Application) -> AsyncIterator[str]:
    """The URL at which `app` answers within the block."""
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, LOOPBACK, 0)
        await site.start()
        yield f"http://{LOOPBACK}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@contextlib.asynccontextmanager
async def saying(answer: bytes) -> AsyncIterator[str]:
    """The URL of a server that says these bytes to whatever it hears, and hangs up."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(talk, LOOPBACK, 0)
    async with server:
        yield f"http://{LOOPBACK}:{server.sockets[0].getsockname()[1]}"


class TinyService:
    """The videos API as far as users need it; keeps who asked for what, and how many at once."""

    def __init__(
        self,
        *,
        refused: frozenset[str] = frozenset(),
        failed: frozenset[str] = frozenset(),
        stages: tuple[Stage, ...] = (),
    ) -> None:
        """A job goes on by one of `stages` each time it is asked about; then it ends."""
        self._refused, self._failed, self._stages = refused, failed, stages
        self._cancelled: set[str] = set()
        self.forms: list[dict[str, str]] = []
        self.questions: Counter[str] = Counter()
        self.under_way = self.most = 0
        self._jobs: dict[str, Job] = {}
        self.app = web.Application()
        self.app.add_routes(
            [
                web.post("/v1/videos", self._submit),
                web.get("/v1/videos/{id}", self._status),
                web.post("/v1/videos/{id}/cancel", self._cancel),
            ]
        )

    async def _submit(self, request: web.Request) -> web.Response:
        form = await request.post()
        fields = {name: value for name, value in form.items() if isinstance(value, str)}
        self.forms.append(fields)
        if fields["seed_key"] in self._refused:
            return web.json_response({"detail": "Redis is away."}, status=503)
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        job = Job(
            id=video_id(len(self.forms)),
            status=Status.QUEUED,
            version=1,
            created_at=1.0,
            document=DOCUMENT,
            options=JobOptions(seed=int(fields["seed"]), seed_key=fields["seed_key"]),
        )
        self._jobs[job.id] = job
        return web.json_response(job.model_dump(mode="json"), status=202)

    async def _status(self, request: web.Request) -> web.Response:
        """In progress when asked first, then ended: a client that asks once holds no end."""
        job = self._jobs[request.match_info["id"]]
        self.questions[job.id] += 1
        await asyncio.sleep(0.002)
        status, stages = Status.IN_PROGRESS, [None, *self._stages]
        stage = stages[min(self.questions[job.id], len(stages)) - 1]
        if job.id in self._cancelled:
            status = Status.CANCELLED
        elif self.questions[job.id] > len(stages):
            self.under_way -= 1
            status = Status.FAILED if job.options.seed_key in self._failed else Status.COMPLETED
        return web.json_response(job.model_copy(update={"status": status, "stage": stage}).model_dump(mode="json"))

    async def _cancel(self, request: web.Request) -> web.Response:
        job = self._jobs[request.match_info["id"]]
        self._cancelled.add(job.id)
        self.under_way -= 1
        return web.json_response(job.model_copy(update={"cancel_requested": True}).model_dump(mode="json"))
