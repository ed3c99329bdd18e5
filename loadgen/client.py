"""The client side of one job: submit, wait for the end. Errors are told apart truthfully."""

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from types import TracebackType
from typing import Self

import orjson
from pydantic import ValidationError

from contract.jobs import Job
from contract.runfolder import RequestFailure
from loadgen.document import Document
from loadgen.wire import RequestError, Wire

WAIT = 30
"""Seconds that one status request waits at the server."""
SUBMIT_BOUND = 60.0
"""Seconds within which a job must be acknowledged: the last of a thousand documents waits behind all others, and a
client that gives up sooner leaves a job behind that the service goes on with."""
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

    def __init__(self, api_url: str) -> None:
        """Raises UsageError when the address is no http URL."""
        self._wire = Wire(api_url)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._wire.close()

    async def submit(self, form: Form, fields: dict[str, str]) -> Job:
        """The accepted job. Raises RequestError."""
        body, kind = form.body(fields), form.content_type
        return _job(
            await self._request(
                "POST", "/v1/videos", HTTPStatus.ACCEPTED, bound=SUBMIT_BOUND, body=body, content_type=kind
            )
        )

    async def end_of(self, job_id: str) -> Job:
        """The job once it has ended, told by the server when it happens. Raises RequestError, after END_BOUND too."""
        path = f"/v1/videos/{job_id}?wait={WAIT}"
        deadline = time.monotonic() + END_BOUND
        while True:
            job = _job(await self._request("GET", path, HTTPStatus.OK, bound=WAIT + ANSWER_BOUND))
            if job.status.terminal:
                return job
            if time.monotonic() > deadline:
                raise RequestError(RequestFailure.TIMEOUT, f"the job is still {job.status} after {END_BOUND:g} s")

    async def get(self, path: str) -> bytes:
        return await self._request("GET", path, HTTPStatus.OK)

    async def _request(
        self,
        method: str,
        path: str,
        expected: HTTPStatus,
        *,
        bound: float = ANSWER_BOUND,
        body: Sequence[bytes] = (),
        content_type: str = "",
    ) -> bytes:
        answer = await self._wire.request(method, path, bound, body, content_type)
        if answer.status != expected:
            text = answer.body[:300].decode(errors="replace")
            said = _said(answer.body) or f"{method} {path}: {answer.status} {text}"
            raise RequestError(RequestFailure.STATUS, said, answer.status)
        return answer.body


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
