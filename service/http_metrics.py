"""Counts and times every request by its route template."""

import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from contract.catalogue import HTTP_METHODS, HTTP_STATUSES, UNMATCHED_ROUTE, RequestKind, ServiceMetrics

STREAMED = ("/events", "/content", "/assets/{name}")


def kind_of(route: str, query: bytes) -> RequestKind:
    if route.endswith(STREAMED):
        return RequestKind.STREAM
    return RequestKind.WAIT if b"wait=" in query and route.endswith("{job_id}") else RequestKind.PLAIN


class HttpMetrics:
    """`metrics` may be filled in after the routes are known, before the first request."""

    def __init__(self, app: ASGIApp, metrics: ServiceMetrics) -> None:
        self.app = app
        self.metrics = metrics

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
        kind = kind_of(route, scope["query_string"])
        self.metrics.requests.labels(method, route, status if status in HTTP_STATUSES else "other").inc()
        self.metrics.seconds.labels(method, route, kind).observe(seconds)
