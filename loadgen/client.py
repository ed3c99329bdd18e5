"""The client side of one job: submit, wait for the end. Errors are told apart truthfully."""

import asyncio
import random
import secrets
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from types import TracebackType
from typing import Self

import orjson
from pydantic import ValidationError

from contract.jobs import Job
from contract.runfolder import Interruption, RequestFailure
from loadgen.document import Document
from loadgen.wire import RequestError, Wire

WAIT = 30
"""Seconds that one status request waits at the server."""
SUBMIT_BOUND = 60.0
"""Seconds within which a job must be acknowledged: the last of a thousand documents waits behind all others, and a
client that gives up sooner leaves a job behind that the service goes on with."""
PATIENT_WAIT = 5
"""Likewise of a patient client: so much is lost when the server falls silent meanwhile."""
AWAY = (HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT)
PAUSE = (0.2, 1.0)
"""Seconds, drawn between, after which a patient client asks again."""
ANSWER_BOUND = 10.0
"""Seconds within which any other answer must come."""
END_BOUND = 300.0
"""Seconds after which a job that has not ended is given up: a service without workers must not hold a run for ever."""


@dataclass(frozen=True, slots=True)
class Form:
    """A multipart body (RFC 7578) whose document part is made once and shared by all requests."""

    boundary: str
    document_part: bytes

    @classmethod
    def of(cls, document: Document) -> Self:
        boundary = secrets.token_hex(16)
        quoted = document.name.replace("\\", "\\\\").replace('"', '\\"')  # a quoted-string, as RFC 2183 has it
        name = quoted.replace("\r", "%0D").replace("\n", "%0A")
        head = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="document"; filename="{name}"\r\n'
            "Content-Type: application/pdf\r\n\r\n"
        )
        return cls(boundary, head.encode() + document.content + f"\r\n--{boundary}--\r\n".encode())

    def body(self, fields: dict[str, str]) -> tuple[bytes, bytes]:
        parts = "".join(
            f'--{self.boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
            for name, value in fields.items()
        )
        return parts.encode(), self.document_part

    @property
    def content_type(self) -> str:
        return f"multipart/form-data; boundary={self.boundary}"


class Client:
    """Talks to one API; as many connections as there are requests under way."""

    def __init__(self, api_url: str, patience: float = 0.0) -> None:
        """For `patience` seconds a request is sent again while the service is away; 0: each is sent once.

        Raises UsageError when the address is no http URL.
        """
        self._wire = Wire(api_url)
        self._patience = patience

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._wire.close()

    async def submit(
        self, form: Form, fields: dict[str, str], key: str = "", log: list[Interruption] | None = None
    ) -> Job:
        """The accepted job. Raises RequestError. A patient client sends `key` as its Idempotency-Key, so that a request
        that was accepted without its hearing of it is no second job; what it overcomes goes into `log`.
        """
        body, kind = form.body(fields), form.content_type
        bound, key = (ANSWER_BOUND, key) if self._patience else (SUBMIT_BOUND, "")

        async def ask() -> bytes:
            return await self._request("POST", "/v1/videos", HTTPStatus.ACCEPTED, bound, body, kind, key)

        return _job(await self._patiently(ask, log))

    async def end_of(self, job_id: str, log: list[Interruption] | None = None) -> Job:
        """The job once it has ended, told by the server when it happens. Raises RequestError, after END_BOUND too."""
        wait = PATIENT_WAIT if self._patience else WAIT
        deadline = time.monotonic() + END_BOUND

        async def ask() -> bytes:
            return await self._request("GET", f"/v1/videos/{job_id}?wait={wait}", HTTPStatus.OK, wait + ANSWER_BOUND)

        while True:
            job = _job(await self._patiently(ask, log))
            if job.status.terminal:
                return job
            if time.monotonic() > deadline:
                raise RequestError(RequestFailure.TIMEOUT, f"the job is still {job.status} after {END_BOUND:g} s")

    async def state_of(self, job_id: str) -> Job:
        """The job as it is now. Raises RequestError."""
        return _job(await self.get(f"/v1/videos/{job_id}"))

    async def cancel(self, job_id: str) -> Job:
        """The job as the service answers it; one that has ended stays as it is. Raises RequestError."""
        return _job(await self._request("POST", f"/v1/videos/{job_id}/cancel", HTTPStatus.OK))

    async def get(self, path: str) -> bytes:
        return await self._request("GET", path, HTTPStatus.OK)

    async def _patiently(self, ask: Callable[[], Awaitable[bytes]], log: list[Interruption] | None) -> bytes:
        """What `ask` answers once the service is back. Raises RequestError: the last or one that time does not cure."""
        until = time.monotonic() + self._patience
        while True:
            at, began = time.time(), time.perf_counter()
            try:
                return await ask()
            except RequestError as error:
                seconds = time.perf_counter() - began
                if log is not None:
                    log.append(Interruption(at=at, seconds=seconds, failure=error.failure, status=error.status))
                if not _is_away(error) or time.monotonic() >= until:
                    raise
            await asyncio.sleep(random.uniform(*PAUSE))  # noqa: S311 - spreads clients who were refused together

    async def _request(
        self,
        method: str,
        path: str,
        expected: HTTPStatus,
        bound: float = ANSWER_BOUND,
        body: Sequence[bytes] = (),
        content_type: str = "",
        key: str = "",
    ) -> bytes:
        answer = await self._wire.request(method, path, bound, body, content_type, key)
        if answer.status != expected:
            text = answer.body[:300].decode(errors="replace")
            said = _said(answer.body) or f"{method} {path}: {answer.status} {text}"
            raise RequestError(RequestFailure.STATUS, said, answer.status)
        return answer.body


def _is_away(error: RequestError) -> bool:
    """Whether the service may answer the same request soon."""
    return error.failure is not RequestFailure.STATUS or error.status in AWAY


def _said(body: bytes) -> str | None:
    """The sentence of a problem document (RFC 9457)."""
    try:
        return str(orjson.loads(body)["detail"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return None


def _job(body: bytes) -> Job:
    """Raises RequestError; an answer of the right status that is no job counts with those of a wrong status."""
    try:
        return Job.model_validate_json(body)
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, wrong["loc"]))
        raise RequestError(RequestFailure.STATUS, f"the answer is no job: {where} {wrong['msg']}") from None
