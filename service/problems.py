"""RFC 9457 problem documents for every error, also for those that the framework answers on its own."""

from http import HTTPStatus
from typing import Any

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from contract.connections import REDIS_DOWN

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


def _http_error(_: Request, exc: Exception) -> Response:
    assert isinstance(exc, HTTPException)
    status = HTTPStatus(exc.status_code)
    kind = status.phrase.lower().replace(" ", "-")
    return Problem(status, kind, str(exc.detail), headers=dict(exc.headers or {})).response()


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
    detail = "; ".join(f"{error['field']}: {error['problem']}" for error in errors)
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid-request", detail, errors=errors).response()


def _problem(_: Request, exc: Exception) -> Response:
    assert isinstance(exc, Problem)
    return exc.response()


def _ledger_away(_: Request, __: Exception) -> Response:
    return Problem(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "ledger-unavailable",
        "The job ledger (Redis) does not answer; nothing was accepted. Try again shortly.",
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
    for away in REDIS_DOWN:
        app.add_exception_handler(away, _ledger_away)
    app.add_exception_handler(Exception, _internal)


class BodyLimitProblems:
    """Turns the plain-text 413 that Starlette sends for a long Content-Length into a problem document."""

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
            if message["type"] == "http.response.start" and message["status"] == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
                replaced = True
                problem = Problem(
                    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                    "document-too-large",
                    f"The request is larger than {self.limit:,} bytes allow; send a smaller document.",
                )
                await problem.response()(scope, receive, send)
            elif not replaced:
                await send(message)

        await self.app(scope, receive, send_problem)
