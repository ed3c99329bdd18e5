"""One provider's endpoint: answer, hold until the planned latency has passed, send, count."""

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from time import perf_counter

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from contract.calls import CALL_HEADER, PLANNED_HEADER, Provider
from contract.catalogue import HTTP_STATUSES, Direction, MockMetrics
from mocks.latency import LogNormal, call_name, hold_until, uniform
from mocks.problems import RefusedError, problem


@dataclass(frozen=True, slots=True)
class Answer:
    content: bytes
    media_type: str


class ProviderEndpoint:
    """An ASGI application; Starlette's wrapper for plain functions would cost more than some of the answers."""

    def __init__(
        self, provider: Provider, answer: Callable[[bytes], Answer], latency: LogNormal, metrics: MockMetrics
    ) -> None:
        self._provider = provider
        self._answer = answer
        self._latency = latency
        self._calls = {status: metrics.calls.labels(provider, status) for status in HTTP_STATUSES}
        self._planned = metrics.planned_seconds.labels(provider)
        self._late = metrics.late_seconds.labels(provider)
        self._received = metrics.payload_bytes.labels(provider, Direction.RECEIVED)
        self._sent = metrics.payload_bytes.labels(provider, Direction.SENT)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            body = await request.body()
        except ClientDisconnect:
            return
        arrived = perf_counter()
        self._received.inc(len(body))
        try:
            planned, response = self._decide(request.headers.get(CALL_HEADER), body)
        except RefusedError as refused:
            await self._send(problem(refused), scope, receive, send)
            return
        except Exception:
            self.count(HTTPStatus.INTERNAL_SERVER_ERROR)
            raise
        self._planned.observe(planned)
        # A fault plan decides here, between what was planned and what is sent.
        await hold_until(arrived + planned)
        await self._send(response, scope, receive, send)
        self._late.observe(perf_counter() - arrived - planned)

    def count(self, status: int) -> None:
        self._calls.get(str(int(status)), self._calls["other"]).inc()

    def _decide(self, header: str | None, body: bytes) -> tuple[float, Response]:
        try:
            name = call_name(header, body)
        except ValueError:
            raise RefusedError(400, f"The header {CALL_HEADER} is not a call key.", param=CALL_HEADER) from None
        planned = self._latency.quantile(uniform(self._provider, name))
        answer = self._answer(body)
        headers = {PLANNED_HEADER: f"{planned:.6f}"}
        return planned, Response(answer.content, media_type=answer.media_type, headers=headers)

    async def _send(self, response: Response, scope: Scope, receive: Receive, send: Send) -> None:
        await response(scope, receive, send)
        self.count(response.status_code)
        self._sent.inc(len(response.body))
