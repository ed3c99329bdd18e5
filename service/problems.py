"""RFC 9457 problem documents for every error, also for those that the framework answers on its own."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from contract.connections import LEDGER_DOWN

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER = "1"

RESPONSES: dict[int | str, dict[str, Any]] = {
    "default": {
        "description": "A problem (RFC 9457)",
        "content": {
            MEDIA_TYPE: {
                "schema": {
                    "type": "object",
                    "required": ["type", "title", "status", "detail"],
                    "properties": {
                        "type": {"type": "string"},
                        "title": {"type": "string"},
                        "status": {"type": "integer"},
                        "detail": {"type": "string"},
                    },
                }
            }
        },
    }
}


class Problem(Exception):
    """An error for the client. `kind` is a stable word that programs may compare."""

    def __init__(
        self, status: HTTPStatus, kind: str, detail: str, headers: dict[str, str] | None = None, **extra: object
    ) -> None:
        super().__init__(detail)
        self.status, self.kind, self.detail, self.headers, self.extra = status, kind, detail, headers, extra

    def response(self) -> Response:
        body = {
            "type": f"urn:reelbench:problem:{self.kind}",
            "title": self.status.phrase,
            "status": int(self.status),
            "detail": self.detail,
        } | self.extra
        return Response(orjson.dumps(body), self.status, media_type=MEDIA_TYPE, headers=self.headers)


def _http_error(request: Request, exc: Exception) -> Response:
    assert isinstance(exc, HTTPException)
    status = HTTPStatus(exc.status_code)
    headers = dict(exc.headers or {})
    return Problem(status, _kind(status), _sentence(request, status, exc.detail, headers), headers).response()


def _kind(status: HTTPStatus) -> str:
    return status.phrase.lower().replace(" ", "-")


def _sentence(request: Request, status: HTTPStatus, detail: str, headers: Mapping[str, str]) -> str:
    if status is HTTPStatus.NOT_FOUND:
        return f"There is nothing at {request.url.path[:200]}; /docs lists what this service answers."
    if status is HTTPStatus.METHOD_NOT_ALLOWED:
        return f"{request.method[:20]} does not work here; use {headers.get('Allow', 'another method')}."
    return f"The request cannot be answered: {detail}"


def _validation_error(request: Request, exc: Exception) -> Response:
    assert isinstance(exc, RequestValidationError)
    sent = request.headers.get("content-type", "")
    if request.method == "POST" and "body" in {error["loc"][0] for error in exc.errors()} and "multipart/" not in sent:
        return Problem(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            "unsupported-media-type",
            f"Send multipart/form-data with the PDF in the field `document`, not {sent or 'a body without a type'}.",
        ).response()
    errors = [{"field": ".".join(str(part) for part in e["loc"][1:]), "problem": e["msg"]} for e in exc.errors()]
    detail = "The request does not fit. " + "; ".join(f"{error['field']}: {error['problem']}" for error in errors)
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid-request", detail, errors=errors).response()


def _problem(_: Request, exc: Exception) -> Response:
    assert isinstance(exc, Problem)
    return exc.response()


def _ledger_away(_: Request, __: Exception) -> Response:
    return Problem(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "ledger-unavailable",
        "The job ledger (Redis) does not answer, or keeps nothing. Try again shortly; with an Idempotency-Key that is "
        "always safe.",
        headers={"Retry-After": RETRY_AFTER},
    ).response()


def _internal(_: Request, __: Exception) -> Response:
    return Problem(
        HTTPStatus.INTERNAL_SERVER_ERROR, "internal", "The request failed here; the log of the service says why."
    ).response()


def install(app: FastAPI) -> None:
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(Problem, _problem)
    for away in LEDGER_DOWN:
        app.add_exception_handler(away, _ledger_away)
    app.add_exception_handler(Exception, _internal)


class FrameworkProblems:
    """Turns the errors that Starlette answers past our handlers, in plain text, into problem documents: a body over the
    limit, which also gets its sentence here, and a range outside of a file.
    """

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self.app = app
        self.limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        replaced = False

        async def send_problem(message: Message) -> None:
            nonlocal replaced
            if message["type"] == "http.response.start" and message["status"] >= HTTPStatus.BAD_REQUEST:
                status, headers = HTTPStatus(message["status"]), Headers(raw=message["headers"])
                plain = headers.get("content-type", "").startswith("text/plain")
                replaced = plain or status is HTTPStatus.REQUEST_ENTITY_TOO_LARGE
                if replaced:
                    await self._problem(status, headers).response()(scope, receive, send)
            if not replaced:
                await send(message)

        await self.app(scope, receive, send_problem)

    def _problem(self, status: HTTPStatus, headers: Headers) -> Problem:
        if status is HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            detail = f"The request is larger than {self.limit:,} bytes allow; send a smaller document."
            return Problem(status, "document-too-large", detail)
        kept = {name: headers[name] for name in ("content-range",) if name in headers}
        return Problem(status, _kind(status), f"The request cannot be answered: {status.description}.", kept)
