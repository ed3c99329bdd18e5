"""The client side of one job: submit, wait for the end. Errors are told apart truthfully."""

import asyncio
import secrets
from dataclasses import dataclass
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self

import aiohttp
import orjson

from contract.jobs import Job
from contract.runfolder import RequestFailure
from loadgen.document import Document

WAIT = 30
"""Seconds that one status request waits at the server."""
ANSWER_BOUND = 10.0
"""Seconds within which any other answer must come."""


class RequestError(Exception):
    """A request without a usable answer."""

    def __init__(self, failure: RequestFailure, detail: str) -> None:
        super().__init__(detail)
        self.failure = failure


@dataclass(frozen=True, slots=True)
class Form:
    """A multipart body (RFC 7578) whose document part is made once and shared by all requests."""

    boundary: str
    document_part: bytes

    @classmethod
    def of(cls, document: Document) -> Self:
        boundary = secrets.token_hex(16)
        name = document.name.replace('"', "%22")
        head = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="document"; filename="{name}"\r\n'
            "Content-Type: application/pdf\r\n\r\n"
        )
        return cls(boundary, head.encode() + document.content + f"\r\n--{boundary}--\r\n".encode())

    def body(self, fields: dict[str, str]) -> bytes:
        parts = "".join(
            f'--{self.boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
            for name, value in fields.items()
        )
        return parts.encode() + self.document_part

    @property
    def content_type(self) -> str:
        return f"multipart/form-data; boundary={self.boundary}"


class Client:
    """Talks to one API; as many connections as there are requests under way."""

    def __init__(self, api_url: str) -> None:
        self._api_url = api_url.rstrip("/")
        self._http: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._http = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=30), cookie_jar=aiohttp.DummyCookieJar()
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._http is not None
        await self._http.close()

    async def submit(self, form: Form, fields: dict[str, str]) -> dict[str, Any]:
        """The accepted job. Raises RequestError."""
        headers = {"Content-Type": form.content_type}
        body = await self._request("POST", "/v1/videos", HTTPStatus.ACCEPTED, data=form.body(fields), headers=headers)
        answer: dict[str, Any] = orjson.loads(body)
        return answer

    async def end_of(self, job_id: str) -> Job:
        """The job once it has ended, told by the server when it happens. Raises RequestError."""
        path = f"/v1/videos/{job_id}?wait={WAIT}"
        while True:
            body = await self._request("GET", path, HTTPStatus.OK, bound=WAIT + ANSWER_BOUND)
            job = Job.model_validate_json(body)
            if job.status.terminal:
                return job

    async def get(self, path: str) -> bytes:
        return await self._request("GET", path, HTTPStatus.OK)

    async def _request(
        self,
        method: str,
        path: str,
        expected: HTTPStatus,
        *,
        data: bytes | None = None,
        headers: dict[str, str] | None = None,
        bound: float = ANSWER_BOUND,
    ) -> bytes:
        assert self._http is not None
        try:
            async with (
                asyncio.timeout(bound),
                self._http.request(method, self._api_url + path, data=data, headers=headers) as response,
            ):
                body = await response.read()
        except TimeoutError:
            raise RequestError(RequestFailure.TIMEOUT, f"{method} {path}: no answer in {bound:g} s") from None
        except aiohttp.ClientConnectorError as error:
            raise RequestError(RequestFailure.REFUSED, f"{method} {path}: {error}") from None
        except (aiohttp.ClientError, OSError) as error:
            raise RequestError(RequestFailure.DISCONNECTED, f"{method} {path}: {error!r}") from None
        if response.status != expected:
            said = body[:300].decode(errors="replace")
            raise RequestError(RequestFailure.STATUS, f"{method} {path}: {response.status} {said}")
        return body
