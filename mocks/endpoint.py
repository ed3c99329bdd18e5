"""One provider's endpoint: answer, hold until the planned latency has passed, send, count; or what a fault wants."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from http import HTTPStatus
from time import perf_counter

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from contract.calls import CALL_HEADER, PLANNED_HEADER, Provider
from contract.catalogue import HTTP_STATUSES, Direction, MockMetrics
from contract.provider_faults import Answered, FaultKind, ProviderFault
from mocks.connection import Connection
from mocks.faults import Faults, SpoiltCall
from mocks.latency import LogNormal, call_name, hold_until, uniform
from mocks.problems import RefusedError, problem
from mocks.spoilt import error_of, spoilt


@dataclass(frozen=True, slots=True)
class Answer:
    content: bytes
    media_type: str


class ProviderEndpoint:
    """An ASGI application; Starlette's wrapper for plain functions would cost more than some of the answers."""

    def __init__(
        self,
        provider: Provider,
        answer: Callable[[bytes], Answer],
        latency: LogNormal,
        faults: Faults,
        metrics: MockMetrics,
    ) -> None:
        self._provider = provider
        self._answer = answer
        self._latency = latency
        self._faults = faults
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
        header = request.headers.get(CALL_HEADER)
        try:
            met = None if self._faults.plan is None else self._faults.plan.meet(self._provider, header)
            if met is None:
                planned, response = self._decide(header, body)
        except RefusedError as refused:
            await self._send(problem(refused), scope, receive, send)
            return
        except Exception:
            self.count(HTTPStatus.INTERNAL_SERVER_ERROR)
            raise
        if met is not None:
            met.end(await self._go_through(met, request, arrived, send))
            return
        self._planned.observe(planned)
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
        return planned, self._response(self._answer(body), planned)

    async def _go_through(self, met: SpoiltCall, request: Request, arrived: float, send: Send) -> Answered:
        """To the end of a call with a fault. One whose client did not wait for it is neither answered nor late."""
        kind, connection = met.fault.kind, Connection(request)
        if kind is FaultKind.HANG or connection.lost:
            await connection.end()
            return Answered.LEFT
        if kind is FaultKind.OUTAGE:
            connection.cut()
            await connection.end()
            return Answered.CUT
        planned = self._latency.quantile(uniform(self._provider, met.key))
        if kind is FaultKind.LATENCY:
            planned *= met.fault.factor
        response = self._spoilt_response(met.fault, await request.body(), planned)
        self._planned.observe(planned)
        if await connection.lost_by(arrived + planned):
            return Answered.LEFT
        await self._send(response, request.scope, request.receive, send)
        self._late.observe(perf_counter() - arrived - planned)
        return Answered.SENT

    def _spoilt_response(self, fault: ProviderFault, body: bytes, planned: float) -> Response:
        """A request that is refused in any case is refused as ever, unless the fault makes an error of all."""
        if fault.kind in {FaultKind.ERROR, FaultKind.RATE_LIMIT}:
            return error_of(fault)
        try:
            answer = self._answer(body)
        except RefusedError as refused:
            return problem(refused)
        return self._response(replace(answer, content=spoilt(answer.content, self._provider, fault.kind)), planned)

    @staticmethod
    def _response(answer: Answer, planned: float) -> Response:
        headers = {PLANNED_HEADER: f"{planned:.6f}"}
        return Response(answer.content, media_type=answer.media_type, headers=headers)

    async def _send(self, response: Response, scope: Scope, receive: Receive, send: Send) -> None:
        await response(scope, receive, send)
        self.count(response.status_code)
        self._sent.inc(len(response.body))
