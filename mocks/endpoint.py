"""One provider's endpoint: answer, hold until the planned latency has passed, send, count; or what a fault wants."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from time import perf_counter

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from contract.calls import CALL_HEADER, PLANNED_HEADER, Provider, Usage
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
    usage: Usage
    """What it is billed by."""


@dataclass(frozen=True, slots=True)
class _Reply:
    """A response, and what it is billed by."""

    response: Response
    usage: Usage = field(default_factory=dict)


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
        self._wire_bytes = metrics.wire_bytes
        self._usage = metrics.usage

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        connection = Connection(request)
        connection.count_for(self._provider, self._wire_bytes)
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
                planned, reply = self._decide(header, body)
        except RefusedError as refused:
            await self._send(_Reply(problem(refused)), connection, scope, receive, send)
            return
        except Exception:
            self.count(HTTPStatus.INTERNAL_SERVER_ERROR)
            raise
        if met is not None:
            met.end(await self._go_through(met, request, connection, arrived, send))
            return
        self._planned.observe(planned)
        await hold_until(arrived + planned)
        await self._send(reply, connection, scope, receive, send)
        self._late.observe(perf_counter() - arrived - planned)

    def count(self, status: int) -> None:
        self._calls.get(str(int(status)), self._calls["other"]).inc()

    def _decide(self, header: str | None, body: bytes) -> tuple[float, _Reply]:
        try:
            name = call_name(header, body)
        except ValueError:
            raise RefusedError(400, f"The header {CALL_HEADER} is not a call key.", param=CALL_HEADER) from None
        planned = self._latency.quantile(uniform(self._provider, name))
        return planned, _reply(self._answer(body), planned)

    async def _go_through(
        self, met: SpoiltCall, request: Request, connection: Connection, arrived: float, send: Send
    ) -> Answered:
        """To the end of a call with a fault. One whose client did not wait for it is neither answered nor late."""
        kind = met.fault.kind
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
        reply = self._spoilt(met.fault, await request.body(), planned)
        self._planned.observe(planned)
        if await connection.lost_by(arrived + planned):
            return Answered.LEFT
        await self._send(reply, connection, request.scope, request.receive, send)
        self._late.observe(perf_counter() - arrived - planned)
        return Answered.SENT

    def _spoilt(self, fault: ProviderFault, body: bytes, planned: float) -> _Reply:
        """A request that is refused in any case is refused as ever, unless the fault makes an error of all."""
        if fault.kind in {FaultKind.ERROR, FaultKind.RATE_LIMIT}:
            return _Reply(error_of(fault))
        try:
            answer = self._answer(body)
        except RefusedError as refused:
            return _Reply(problem(refused))
        return _reply(replace(answer, content=spoilt(answer.content, self._provider, fault.kind)), planned)

    async def _send(self, reply: _Reply, connection: Connection, scope: Scope, receive: Receive, send: Send) -> None:
        await reply.response(scope, receive, send)
        connection.answered()
        self.count(reply.response.status_code)
        self._sent.inc(len(reply.response.body))
        for unit, amount in reply.usage.items():
            self._usage.labels(self._provider, unit).inc(amount)


def _reply(answer: Answer, planned: float) -> _Reply:
    headers = {PLANNED_HEADER: f"{planned:.6f}"}
    return _Reply(Response(answer.content, media_type=answer.media_type, headers=headers), answer.usage)
