"""Orders to the mocks: which faults are in force, and what came of them. They want a token."""

import secrets
from http import HTTPStatus
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from contract.catalogue import MockMetrics
from contract.provider_faults import FaultPlan
from mocks.call_ledger import CallLedger
from mocks.faults import Faults, PlanInForce
from mocks.problems import RefusedError, parse, problem

LINES = "application/x-ndjson"


class Control:
    def __init__(self, token: str, data_dir: Path, faults: Faults, metrics: MockMetrics) -> None:
        """Without a token no order is taken."""
        self._token = token
        self._data_dir = data_dir
        self._faults = faults
        self._metrics = metrics

    def routes(self) -> list[Route]:
        return [
            Route("/control/faults", self.put, methods=["PUT"]),
            Route("/control/faults", self.withdraw, methods=["DELETE"]),
            Route("/control/faults/{run}", self.read, methods=["GET"]),
        ]

    async def put(self, request: Request) -> Response:
        """Takes the place of the plan in force, if any. A run that has a file already goes on in it."""
        try:
            self._admit(request)
            plan = parse(FaultPlan, await request.body(), HTTPStatus.UNPROCESSABLE_ENTITY)
            ledger = CallLedger.of(plan.run, self._data_dir)
            ledger.open()
        except RefusedError as refused:
            return _refusal(refused)
        except OSError as error:
            return problem(RefusedError(500, f"Cannot write {error.filename}: {error.strerror}."))
        self._faults.plan = PlanInForce(plan, ledger, self._metrics)
        return Response(status_code=HTTPStatus.NO_CONTENT)

    async def withdraw(self, request: Request) -> Response:
        try:
            self._admit(request)
        except RefusedError as refused:
            return _refusal(refused)
        self._faults.plan = None
        return Response(status_code=HTTPStatus.NO_CONTENT)

    def read(self, request: Request) -> Response:
        # Not a coroutine: Starlette runs it in a thread, so that a large file holds up no answer.
        run = request.path_params["run"]
        try:
            self._admit(request)
            return Response(CallLedger.of(run, self._data_dir).read(), media_type=LINES)
        except RefusedError as refused:
            return _refusal(refused)
        except (ValueError, FileNotFoundError):
            return problem(RefusedError(404, f"No calls of a run {run!r} have been written down here."))

    def _admit(self, request: Request) -> None:
        """Raises RefusedError unless the request carries the token."""
        if not self._token:
            raise RefusedError(403, "The mocks take no orders without a token: set T2V_CONTROL_TOKEN and restart them.")
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not secrets.compare_digest(given.encode("latin-1"), self._token.encode()):
            raise RefusedError(401, "Send the value of T2V_CONTROL_TOKEN as `Authorization: Bearer TOKEN`.")


def _refusal(refused: RefusedError) -> Response:
    response = problem(refused)
    if refused.status == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response
