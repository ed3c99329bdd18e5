"""The FastAPI front end. It holds no state of its own: any number of processes may stand before one Redis."""

import contextlib
import functools
from collections.abc import AsyncIterator, Callable, Iterable
from http import HTTPStatus

from anyio import to_thread
from fastapi import FastAPI
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.responses import Response
from starlette.types import ASGIApp

from contract import keys
from contract.artifacts import DataFolder
from contract.catalogue import RequestKind, ServiceMetrics
from contract.connections import connect, connect_blocking
from contract.exposition import ProcessRegistry, render
from contract.lag import watching_lag
from contract.ledger import Ledger
from contract.manifest import Manifest
from contract.records import Records
from contract.settings import Deployment, Workload
from service import problems
from service.changes import Changes
from service.http_metrics import HttpMetrics, kind_of
from service.problems import FrameworkProblems
from service.routes import router
from service.state import Service, State

MULTIPART_ALLOWANCE = 64 * 1024
"""What boundaries and the other fields may add to a document."""

READY_KEPT = 1000
"""Milliseconds for which Redis keeps what the question whether it is ready writes."""
MANIFESTS = 512
"""Manifests kept in memory: each is read once per asset otherwise, and what was published never changes."""

DESCRIPTION = "A document goes in, a narrated video comes out. Every step on the way is measured."


def _routes(app: FastAPI) -> Iterable[tuple[str, str, set[RequestKind]]]:
    for route in iter_route_contexts(app.routes):  # app.routes itself does not show those of included routers
        if isinstance(route.original_route, APIRoute) and route.path:
            for method in sorted(route.methods or ()):
                yield method, route.path, {kind_of(method, route.path, query) for query in (b"", b"wait=")}


def _manifests(data: DataFolder) -> Callable[[str, str], Manifest]:
    @functools.lru_cache(MANIFESTS)
    def read(job_id: str, token: str) -> Manifest:
        return Manifest.model_validate_json(data.manifest(job_id, token).read_bytes())

    return read


def create_app(deployment: Deployment, workload: Workload) -> ASGIApp:
    registry = ProcessRegistry()
    redis = connect(deployment.redis_url, deployment.redis_timeout)
    data = DataFolder(deployment.data_dir)
    subscriber = connect_blocking(deployment.redis_url, 0, deployment.redis_timeout)
    changes = Changes(subscriber, beat=deployment.redis_timeout)

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        data.create()
        async with changes.listening(), watching_lag(registry.process.lag_seconds):
            yield
        await redis.aclose()

    app = FastAPI(
        title="Text-to-video service",
        version="1",
        description=DESCRIPTION,
        lifespan=lifespan,
        max_body_size=workload.max_document_bytes + MULTIPART_ALLOWANCE,
    )
    app.state.service = State(deployment, workload, Ledger(redis), Records(redis), changes, data, _manifests(data))
    problems.install(app)
    app.include_router(router)

    @app.get("/healthz", tags=["operation"], summary="This process lives")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/readyz", tags=["operation"], summary="Jobs can be accepted", responses=problems.RESPONSES)
    async def readyz(service: Service) -> dict[str, str]:
        """Redis keeps what it is told. Workers may be away: the queue is the buffer."""
        await service.ledger.redis.set(keys.READY, "1", px=READY_KEPT)
        return {"status": "ready"}

    @app.get("/metrics", tags=["operation"], summary="Metrics for Prometheus", response_class=Response)
    async def metrics() -> Response:
        body, media_type = await to_thread.run_sync(render, registry)
        return Response(body, HTTPStatus.OK, media_type=media_type)

    routes = list(_routes(app))
    known = {(method, path) for method, path, _ in routes}
    return HttpMetrics(FrameworkProblems(app, workload.max_document_bytes), ServiceMetrics(registry, routes), known)
