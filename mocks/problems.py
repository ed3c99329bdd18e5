"""Errors in the shape that OpenAI's clients read: `{"error": {message, type, param, code}}`."""

from typing import TypeVar

import orjson
from pydantic import BaseModel, ValidationError
from starlette.responses import Response

JSON = "application/json"


class RefusedError(Exception):
    """A request that a provider answers with an error instead of a result."""

    def __init__(self, status: int, message: str, *, param: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.param = param
        self.code = code


def problem(refused: RefusedError) -> Response:
    kind = "server_error" if refused.status >= 500 else "invalid_request_error"
    error = {"message": refused.message, "type": kind, "param": refused.param, "code": refused.code}
    return Response(orjson.dumps({"error": error}), refused.status, media_type=JSON)


RequestModel = TypeVar("RequestModel", bound=BaseModel)


def parse(model: type[RequestModel], body: bytes, status: int = 400) -> RequestModel:
    """The request as `model`; raises RefusedError (`status`), which names the first field that does not fit."""
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        if first["type"] == "json_invalid":
            raise RefusedError(status, "The body of the request is not valid JSON.", code="invalid_json") from None
        param = ".".join(str(part) for part in first["loc"]) or None
        raise RefusedError(status, f"{param or 'body'}: {first['msg']}", param=param, code=first["type"]) from None
