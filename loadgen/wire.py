"""HTTP/1.1 as a load generator needs it: little CPU per request, so that it is not what is measured, and errors that
tell the truth. A connection carries one request at a time and is kept; nothing is ever sent twice.
"""

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast
from urllib.parse import urlsplit

import httptools

from contract.errors import EnvironmentFault, UsageError
from contract.runfolder import RequestFailure

IDLE_BOUND = 30.0
"""Seconds after which an idle connection is not used again: shorter than servers keep theirs, so that none meets the
end of its connection with a request under way."""


class RequestError(EnvironmentFault):
    """A request without a usable answer."""

    def __init__(self, failure: RequestFailure, detail: str, status: int | None = None) -> None:
        super().__init__(detail)
        self.failure = failure
        self.status = status


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes


class _Connection(asyncio.Protocol):
    transport: asyncio.Transport

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._body: list[bytes] = []
        self._waiter: asyncio.Future[Answer] | None = None
        self._complete = False
        self.usable = True
        self.idle_since = 0.0

    def exchange(self, request: Sequence[bytes]) -> "asyncio.Future[Answer]":
        self._waiter = waiter = asyncio.get_running_loop().create_future()
        self.transport.writelines(request)
        return waiter

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is one in all but name

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._end(ConnectionError(f"the answer is no HTTP: {error}"))

    def on_body(self, part: bytes) -> None:
        self._body.append(part)

    def on_message_complete(self) -> None:
        status = self._parser.get_status_code()
        if status < 200:  # an interim answer; the real one follows
            return
        self.usable = self.usable and self._parser.should_keep_alive()
        waiter, self._waiter = self._waiter, None
        answer = Answer(status, self._body[0] if len(self._body) == 1 else b"".join(self._body))
        self._body = []
        if waiter is not None and not waiter.done():
            waiter.set_result(answer)

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(exc or ConnectionResetError("the server closed the connection"))

    def _end(self, error: Exception) -> None:
        self.usable = False
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_exception(error)
        self.transport.close()


class Wire:
    """Requests to one server, over as many connections as there are requests under way."""

    def __init__(self, base_url: str) -> None:
        """Raises UsageError when the address is no http or https URL."""
        parts = urlsplit(base_url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise UsageError(f"{base_url!r} is no http address such as http://127.0.0.1:8000.")
        self._tls = parts.scheme == "https"
        self._host, self._port = parts.hostname, parts.port or (443 if self._tls else 80)
        self._prefix = parts.path.rstrip("/")
        self._host_header = f"host: {parts.netloc.rpartition('@')[2]}\r\n"
        self._idle: deque[_Connection] = deque()

    def close(self) -> None:
        while self._idle:
            self._idle.pop().transport.close()

    async def request(
        self,
        method: str,
        path: str,
        bound: float,
        body: Sequence[bytes] = (),
        content_type: str = "",
        idempotency_key: str = "",
    ) -> Answer:
        """The whole answer, whatever its status. Raises RequestError when none came within `bound` seconds.

        `body` comes in parts and is not copied: a document sent a thousand times is in memory once.
        """
        head = f"{method} {self._prefix}{path} HTTP/1.1\r\n{self._host_header}"
        if body:
            head += f"content-type: {content_type}\r\ncontent-length: {sum(map(len, body))}\r\n"
        if idempotency_key:
            head += f"idempotency-key: {idempotency_key}\r\n"
        request = ((head + "\r\n").encode(), *body)
        try:
            async with asyncio.timeout(bound):
                connection = self._kept() or await self._connect()
                return await self._exchange(connection, request)
        except TimeoutError:
            raise RequestError(RequestFailure.TIMEOUT, f"{method} {path}: no answer in {bound:g} s") from None
        except OSError as error:
            raise RequestError(RequestFailure.DISCONNECTED, f"{method} {path}: {error}") from None

    async def _exchange(self, connection: _Connection, request: Sequence[bytes]) -> Answer:
        try:
            answer = await connection.exchange(request)
        except BaseException:  # also a bound that ran out or a user who is gone: what would still come is nobody's
            connection.transport.abort()
            raise
        if connection.usable:
            connection.idle_since = time.monotonic()
            self._idle.append(connection)
        else:
            connection.transport.close()
        return answer

    def _kept(self) -> _Connection | None:
        """The connection used last, if it still can be."""
        while self._idle:
            connection = self._idle.pop()
            if connection.usable and time.monotonic() - connection.idle_since < IDLE_BOUND:
                return connection
            connection.transport.close()
        return None

    async def _connect(self) -> _Connection:
        loop = asyncio.get_running_loop()
        try:
            _, connection = await loop.create_connection(
                _Connection, self._host, self._port, ssl=True if self._tls else None
            )
        except OSError as error:
            if isinstance(error, TimeoutError):
                raise
            raise RequestError(RequestFailure.REFUSED, f"{self._host}:{self._port}: {error}") from None
        return connection
