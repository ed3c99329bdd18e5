"""Counts and times every request by its route template."""

import time
from collections.abc import Collection

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from contract.catalogue import HTTP_METHODS, HTTP_STATUSES, UNMATCHED_ROUTE, RequestKind, ServiceMetrics

STREAMED = ("/events", "/content", "/assets/{name}")


def kind_of(method: str, route: str, query: bytes) -> RequestKind:
    if route.endswith(STREAMED):
        return RequestKind.STREAM
    waits = method == "GET" and route.endswith("{job_id}") and b"wait=" in query
    return RequestKind.WAIT if waits else RequestKind.PLAIN


class HttpMetrics:
    def __init__(self, app: ASGIApp, metrics: ServiceMetrics, known: Collection[tuple[str, str]]) -> None:
        """`known` are (method, template); what is none of them, a wrong method too, counts as unmatched."""
        self.app = app
        self.metrics = metrics
        self.known = known

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        status = "500"

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = str(message["status"])
            await send(message)

        self.metrics.in_flight.inc()
        try:
            await self.app(scope, receive, watch)
        finally:
            self.metrics.in_flight.dec()
            self._record(scope, status, time.perf_counter() - started)

    def _record(self, scope: Scope, status: str, seconds: float) -> None:
        method = scope["method"] if scope["method"] in HTTP_METHODS else "other"
        route = getattr(scope.get("route"), "path", UNMATCHED_ROUTE)
        if (method, route) not in self.known:
            route = UNMATCHED_ROUTE
        kind = kind_of(method, route, scope["query_string"])
        self.metrics.requests.labels(method, route, status if status in HTTP_STATUSES else "other").inc()
        self.metrics.seconds.labels(method, route, kind).observe(seconds)
