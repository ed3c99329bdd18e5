"""HTTP calls of an AI provider: bounded, measured, repeated, and with an error kind that tells the truth.

From the outside in: the cache, the job's deadline, the attempts, the breaker that sees each of them, the time limit of
one.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from http import HTTPStatus
from typing import Generic, TypeVar

import aiohttp
import orjson

from contract.calls import (
    ANSWERED_WHOLE,
    CALL_HEADER,
    PLANNED_HEADER,
    CallKey,
    CallResult,
    Provider,
    Usage,
    Verdict,
    WaitCause,
)
from contract.catalogue import Direction, WorkerMetrics
from contract.jobs import CacheLookup, CallTiming, CallWait
from contract.settings import Workload
from workers.cache.cache import Cache, Made, Query, request_name
from workers.cache.entry import Entry
from workers.providers.errors import CallError
from workers.resilience.gate import Gate
from workers.resilience.retry import Retries, retry_after

MOST_BYTES = 16 * 2**20
"""An answer longer than this is not what was asked for."""
Answer = TypeVar("Answer")

CURABLE = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS)
"""Statuses below 500 that another attempt may cure, as OpenAI's own clients have it."""


@dataclass(frozen=True, slots=True)
class CallContext:
    """On whose behalf a call is made. `key` is that of its first attempt; each attempt is added to `log`, each wait
    for one to `waits`.

    No attempt, and no wait for one, goes past `deadline`, a time of the loop's clock. The cache is asked within
    `namespace` only, not at all where that is None; each lookup is added to `lookups`.
    """

    key: CallKey
    log: list[CallTiming]
    deadline: float
    namespace: str | None = None
    lookups: list[CacheLookup] = field(default_factory=list)
    waits: list[CallWait] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Request(Generic[Answer]):
    path: str
    payload: bytes
    context: CallContext
    read: Callable[[bytes], Answer]
    bill: Callable[[bytes], Usage]


class Caller:
    """Calls one provider at one base URL."""

    def __init__(
        self,
        http: aiohttp.ClientSession,
        provider: Provider,
        base_url: str,
        api_key: str,
        workload: Workload,
        metrics: WorkerMetrics,
        gate: Gate,
        cache: Cache | None = None,
    ) -> None:
        self._http = http
        self.provider = provider
        self._base_url = base_url.rstrip("/")
        self._headers = {"Content-Type": "application/json"}
        if api_key:
            self._headers["Authorization"] = f"Bearer {api_key}"
        self._bound = workload.call_timeout
        self._metrics = metrics
        self._gate = gate
        self._cache = cache
        self._retries = Retries(provider, workload.call_attempts, workload.first_backoff, metrics)

    async def post(
        self,
        path: str,
        body: Mapping[str, object],
        context: CallContext,
        read: Callable[[bytes], Answer],
        bill: Callable[[bytes], Usage],
    ) -> Answer:
        """What `read` makes of the first good answer, or of one that the cache has kept; `bill` tells what each whole
        answer costs, a bad one too.

        Raises ProviderError; a ValueError or LookupError of `read` means BAD_PAYLOAD, one of `bill` usage unknown.
        """
        request = _Request(path, orjson.dumps(body), context, read, bill)
        if self._cache is None or context.namespace is None:
            return (await self._make(request)).answer
        query = Query(
            provider=self.provider,
            scene=context.key.scene,
            request=request_name(context.namespace, self._base_url + path, request.payload),
            log=context.lookups,
            read=read,
            make=partial(self._make, request),
            deadline=context.deadline,
        )
        return await self._cache.fetch(query)

    async def _make(self, request: _Request[Answer]) -> Made[Answer]:
        context = request.context
        return await self._retries.run(
            partial(self._attempt, request), context.deadline, partial(self._note_wait, context)
        )

    def _note_wait(self, context: CallContext, cause: WaitCause, start: float, seconds: float) -> None:
        scene = context.key.scene
        context.waits.append(CallWait(provider=self.provider, scene=scene, cause=cause, start=start, seconds=seconds))

    async def _attempt(self, request: _Request[Answer], number: int, after: CallResult | None) -> Made[Answer]:
        """One call; `after` is how the one before it failed."""
        permit = await self._gate.enter()
        key = replace(request.context.key, attempt=number)
        start, began = time.time(), time.perf_counter()
        received = bytearray()
        planned: float | None = None
        usage: Usage | None = None
        result, verdict = CallResult.CANCELLED, Verdict.NEUTRAL
        try:
            planned = await self._exchange(request, key, received)
            payload = bytes(received)
            usage = _usage(payload, request.bill)
            answer = self._understood(payload, request.read)
            result, verdict = CallResult.OK, Verdict.GOOD
        except CallError as error:
            result, verdict = error.result, _verdict(error)
            raise
        finally:
            self._gate.leave(permit, verdict)
            call = CallTiming(
                provider=self.provider,
                scene=key.scene,
                attempt=key.attempt,
                result=result,
                start=start,
                seconds=time.perf_counter() - began,
                planned=planned,
                bytes_sent=len(request.payload),
                bytes_received=len(received),
                usage=None if usage is None else dict(usage),
            )
            request.context.log.append(call)
            count_call(call, self._metrics)
            if after is not None:
                self._metrics.retries.labels(self.provider, after).inc()
        return Made(answer, Entry(payload, call.seconds))

    async def _exchange(self, request: _Request[Answer], key: CallKey, received: bytearray) -> float | None:
        """The planned seconds; fills `received`, which on a failure holds what had come until then."""
        headers = self._headers | {CALL_HEADER: key.encode()}
        left = request.context.deadline - asyncio.get_running_loop().time()
        try:
            async with (
                asyncio.timeout(min(self._bound, left)),
                self._http.post(
                    self._base_url + request.path, data=request.payload, headers=headers, allow_redirects=False
                ) as response,
            ):
                async for part in response.content.iter_any():
                    received += part
                    if len(received) > MOST_BYTES:
                        raise self._error(CallResult.BAD_PAYLOAD, f"the answer is longer than {MOST_BYTES} bytes")
                if response.status != HTTPStatus.OK:
                    raise self._refused(response, received)
                return _planned(response.headers.get(PLANNED_HEADER))
        except TimeoutError:
            if left < self._bound:
                raise CallError(
                    self.provider, CallResult.OUT_OF_TIME, "no answer in the time that the job had left", again=False
                ) from None
            raise self._error(CallResult.TIMEOUT, f"no answer in {self._bound:g} s") from None
        except aiohttp.ClientConnectorError as error:
            raise self._error(CallResult.REFUSED, "no connection") from error
        except (aiohttp.ClientError, OSError) as error:
            raise self._error(CallResult.DISCONNECTED, "connection lost") from error

    def _understood(self, payload: bytes, read: Callable[[bytes], Answer]) -> Answer:
        try:
            return read(payload)
        except (ValueError, LookupError) as error:
            raise self._error(CallResult.BAD_PAYLOAD, f"the answer is not what was asked for: {error}") from None

    def _refused(self, response: aiohttp.ClientResponse, received: bytearray) -> CallError:
        status = response.status
        return CallError(
            self.provider,
            CallResult.RATE_LIMITED if status == HTTPStatus.TOO_MANY_REQUESTS else CallResult.STATUS,
            f"status {status}: {received[:200].decode(errors='replace')}",
            again=status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in CURABLE,
            retry_after=retry_after(response.headers.get("Retry-After")),
        )

    def _error(self, result: CallResult, message: str) -> CallError:
        return CallError(self.provider, result, message)


def _verdict(error: CallError) -> Verdict:
    if error.result is CallResult.OUT_OF_TIME:
        return Verdict.NEUTRAL
    # what no other attempt could cure is our own fault: the provider answered as it should
    return Verdict.BAD if error.again else Verdict.GOOD


def count_call(call: CallTiming, metrics: WorkerMetrics) -> None:
    assert call.result is not None
    metrics.calls.labels(call.provider, call.result).inc()
    metrics.call_seconds.labels(call.provider).observe(call.seconds)
    metrics.call_bytes.labels(call.provider, Direction.SENT).inc(call.bytes_sent)
    metrics.call_bytes.labels(call.provider, Direction.RECEIVED).inc(call.bytes_received)
    for unit, amount in (call.usage or {}).items():
        metrics.usage.labels(call.provider, unit).inc(amount)
    if call.usage is None and call.result in ANSWERED_WHOLE:
        metrics.usage_untold.labels(call.provider).inc()


def _usage(payload: bytes, bill: Callable[[bytes], Usage]) -> Usage | None:
    try:
        return bill(payload)
    except (ValueError, LookupError):
        return None


def _planned(header: str | None) -> float | None:
    """A provider that is not a mock may use the name for something else."""
    try:
        return float(header) if header else None
    except ValueError:
        return None
