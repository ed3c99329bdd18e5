"""The mocked LLM, TTS and visual services as one ASGI application."""

import contextlib
import time
from collections.abc import AsyncIterator
from http import HTTPStatus

import orjson
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from contract.calls import Provider
from contract.catalogue import UNMATCHED_ROUTE, MockMetrics
from contract.exposition import ProcessRegistry, render
from contract.lag import watching_lag
from contract.settings import Deployment, Workload
from mocks import llm, tts, visual
from mocks.control import Control
from mocks.endpoint import ProviderEndpoint
from mocks.faults import Faults
from mocks.latency import LogNormal
from mocks.problems import JSON, RefusedError, problem


def create_app(workload: Workload, deployment: Deployment) -> Starlette:
    """For a server with `CuttableProtocol`. Builds the voices and picture templates, which takes about a second."""
    registry = ProcessRegistry()
    metrics = MockMetrics(registry)
    faults = Faults()
    control = Control(deployment.control_token, deployment.data_dir, faults, metrics)
    endpoints = {
        "/v1/chat/completions": ProviderEndpoint(
            Provider.LLM, llm.complete, LogNormal(workload.llm_latency), faults, metrics
        ),
        "/v1/audio/speech": ProviderEndpoint(
            Provider.TTS, tts.Speaker().speak, LogNormal(workload.tts_latency), faults, metrics
        ),
        "/v1/images/generations": ProviderEndpoint(
            Provider.VISUAL, visual.Painter().paint, LogNormal(workload.visual_latency), faults, metrics
        ),
    }
    unmatched = metrics.calls.labels(UNMATCHED_ROUTE, "404")

    async def refuse(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        if endpoint := endpoints.get(request.url.path):
            endpoint.count(error.status_code)
        elif error.status_code == HTTPStatus.NOT_FOUND:
            unmatched.inc()
        message = f"Invalid URL ({request.method} {request.url.path})"
        code = "unknown_url" if error.status_code == HTTPStatus.NOT_FOUND else "method_not_supported"
        return problem(RefusedError(error.status_code, message, code=code))

    def scrape(_: Request) -> Response:
        # Not a coroutine: Starlette runs it in a thread, so that rendering holds up no answer.
        body, content_type = render(registry)
        return Response(body, headers={"Content-Type": content_type})

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with watching_lag(registry.process.lag_seconds):
            yield

    return Starlette(
        lifespan=lifespan,
        routes=[
            *(Route(path, endpoint, methods=["POST"]) for path, endpoint in endpoints.items()),
            *control.routes(),
            Route("/v1/models", models),
            Route("/healthz", healthy),
            Route("/metrics", scrape),
        ],
        exception_handlers={HTTPException: refuse, Exception: broken},
    )


async def models(_request: Request) -> Response:
    created = int(time.time())
    data = [
        {"id": f"reelbench-{provider}", "object": "model", "created": created, "owned_by": "reelbench"}
        for provider in Provider
    ]
    return Response(orjson.dumps({"object": "list", "data": data}), media_type=JSON)


async def healthy(_request: Request) -> Response:
    return Response(b'{"status":"ok"}', media_type=JSON)


async def broken(_request: Request, _error: Exception) -> Response:
    return problem(RefusedError(500, "The mock itself failed; its log says why."))
