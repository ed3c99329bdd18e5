"""One HTTP call of an AI provider: bounded, measured, and with an error kind that tells the truth."""

import asyncio
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import TypeVar

import aiohttp
import orjson

from contract.calls import CALL_HEADER, PLANNED_HEADER, CallKey, CallResult, Provider
from contract.catalogue import Direction, WorkerMetrics
from contract.errors import ReelbenchError
from contract.jobs import CallTiming

KEEP_ALIVE = 30.0
MOST_BYTES = 16 * 2**20
"""An answer longer than this is not what was asked for."""
Answer = TypeVar("Answer")


class ProviderError(ReelbenchError):
    def __init__(self, provider: Provider, result: CallResult, message: str) -> None:
        super().__init__(f"The {provider.name} provider failed: {message}")
        self.provider = provider
        self.result = result


def session() -> aiohttp.ClientSession:
    """One session per worker. Its connections have no limit: the slots bound them, and waiting for one would look
    like a slow provider.
    """
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEP_ALIVE)
    return aiohttp.ClientSession(connector=connector, auto_decompress=True, cookie_jar=aiohttp.DummyCookieJar())


class Caller:
    """Calls one provider at one base URL."""

    def __init__(
        self,
        http: aiohttp.ClientSession,
        provider: Provider,
        base_url: str,
        api_key: str,
        bound: float,
        metrics: WorkerMetrics,
    ) -> None:
        self._http = http
        self.provider = provider
        self._base_url = base_url.rstrip("/")
        self._headers = {"Content-Type": "application/json"}
        if api_key:
            self._headers["Authorization"] = f"Bearer {api_key}"
        self._bound = bound
        self._metrics = metrics

    async def post(
        self,
        path: str,
        body: Mapping[str, object],
        key: CallKey,
        log: list[CallTiming],
        read: Callable[[bytes], Answer],
    ) -> Answer:
        """What `read` makes of the answer; appends the call to `log`, good or bad.

        Raises ProviderError; a ValueError or LookupError of `read` means BAD_PAYLOAD.
        """
        payload = orjson.dumps(body)
        start, began = time.time(), time.perf_counter()
        received = bytearray()
        planned: float | None = None
        result = CallResult.CANCELLED
        try:
            planned = await self._exchange(path, payload, key, received)
            answer = self._understood(received, read)
            result = CallResult.OK
        except ProviderError as error:
            result = error.result
            raise
        finally:
            call = CallTiming(
                provider=self.provider,
                scene=key.scene,
                attempt=key.attempt,
                result=result,
                start=start,
                seconds=time.perf_counter() - began,
                planned=planned,
                bytes_sent=len(payload),
                bytes_received=len(received),
            )
            log.append(call)
            count_call(call, self._metrics)
        return answer

    async def _exchange(self, path: str, payload: bytes, key: CallKey, received: bytearray) -> float | None:
        """The planned seconds; fills `received`, which on a failure holds what had come until then."""
        headers = self._headers | {CALL_HEADER: key.encode()}
        try:
            async with (
                asyncio.timeout(self._bound),
                self._http.post(
                    self._base_url + path, data=payload, headers=headers, allow_redirects=False
                ) as response,
            ):
                async for part in response.content.iter_any():
                    received += part
                    if len(received) > MOST_BYTES:
                        raise self._error(CallResult.BAD_PAYLOAD, f"the answer is longer than {MOST_BYTES} bytes")
                if response.status != HTTPStatus.OK:
                    said = received[:200].decode(errors="replace")
                    raise self._error(CallResult.STATUS, f"status {response.status}: {said}")
                return _planned(response.headers.get(PLANNED_HEADER))
        except TimeoutError:
            raise self._error(CallResult.TIMEOUT, f"no answer in {self._bound:g} s") from None
        except aiohttp.ClientConnectorError as error:
            raise self._error(CallResult.REFUSED, "no connection") from error
        except (aiohttp.ClientError, OSError) as error:
            raise self._error(CallResult.DISCONNECTED, "connection lost") from error

    def _understood(self, received: bytearray, read: Callable[[bytes], Answer]) -> Answer:
        try:
            return read(bytes(received))
        except (ValueError, LookupError) as error:
            raise self._error(CallResult.BAD_PAYLOAD, f"the answer is not what was asked for: {error}") from None

    def _error(self, result: CallResult, message: str) -> ProviderError:
        return ProviderError(self.provider, result, message)


def count_call(call: CallTiming, metrics: WorkerMetrics) -> None:
    assert call.result is not None
    metrics.calls.labels(call.provider, call.result).inc()
    metrics.call_seconds.labels(call.provider).observe(call.seconds)
    metrics.call_bytes.labels(call.provider, Direction.SENT).inc(call.bytes_sent)
    metrics.call_bytes.labels(call.provider, Direction.RECEIVED).inc(call.bytes_received)


def _planned(header: str | None) -> float | None:
    """A provider that is not a mock may use the name for something else."""
    try:
        return float(header) if header else None
    except ValueError:
        return None
