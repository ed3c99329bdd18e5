"""The mocked providers as a run leads them: the plan of its faults, and the ledger of its calls."""

import contextlib
from collections.abc import AsyncIterator, Sequence
from http import HTTPStatus
from types import TracebackType
from typing import Self

import httpx
from pydantic import TypeAdapter

from contract.calls import CallKey
from contract.cancellation import to_the_end
from contract.errors import EnvironmentFault, UsageError
from contract.provider_faults import CallNote, FaultedCall, FaultNote, FaultPlan

BOUND = 10.0
_NOTE: TypeAdapter[FaultNote | CallNote] = TypeAdapter(FaultNote | CallNote)


class CallLedger:
    """What the mocks wrote down of the calls of a run."""

    def __init__(self, notes: Sequence[FaultNote | CallNote]) -> None:
        self.calls = [note for note in notes if isinstance(note, CallNote)]
        ends = {(note.provider, note.key): note for note in notes if isinstance(note, FaultNote)}
        self.faulted = [_joined(call, ends.get((call.provider, call.key))) for call in self.calls if call.fault]

    def late_calls(self, seed_key: str, after: float) -> int:
        """Calls of a job that arrived later than `after` (Unix seconds)."""
        return sum(call.at > after and CallKey.decode(call.key).seed_key == seed_key for call in self.calls)


def _joined(call: CallNote, end: FaultNote | None) -> FaultedCall:
    assert call.fault is not None
    assert call.number is not None
    return FaultedCall(
        key=call.key,
        provider=call.provider,
        kind=call.fault,
        number=call.number,
        at=call.at,
        answered=end.answered if end else None,
        ended=end.at if end else None,
    )


class Mocks:
    """Used as an async context manager."""

    def __init__(self, url: str, token: str) -> None:
        """Raises UsageError without a token: then the mocks take no orders."""
        if not token:
            raise UsageError("This scenario spoils provider calls, so the mocks need a token: set T2V_CONTROL_TOKEN.")
        self._http = httpx.AsyncClient(
            base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=BOUND, trust_env=False
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    @contextlib.asynccontextmanager
    async def led(self, plan: FaultPlan) -> AsyncIterator[None]:
        """The plan is in force within the block, and nothing afterwards. Raises EnvironmentFault."""
        try:
            await self._ask("PUT", "/control/faults", plan.model_dump_json())
            yield
        finally:
            await to_the_end(self.withdraw())

    async def withdraw(self) -> None:
        """Nothing is in force any more. Raises EnvironmentFault."""
        await self._ask("DELETE", "/control/faults")

    async def ledger(self, run: str) -> CallLedger:
        """Raises EnvironmentFault."""
        lines = (await self._ask("GET", f"/control/faults/{run}")).splitlines()
        return CallLedger([_NOTE.validate_json(line) for line in lines])

    async def _ask(self, method: str, path: str, body: str = "") -> str:
        try:
            answer = await self._http.request(method, path, content=body)
        except httpx.HTTPError as error:
            raise EnvironmentFault(
                f"The mocked providers do not answer: {str(error) or type(error).__name__}."
            ) from error
        if answer.status_code not in {HTTPStatus.OK, HTTPStatus.NO_CONTENT}:
            raise EnvironmentFault(f"The mocked providers refuse {method} {path}: {answer.status_code} {answer.text}")
        return answer.text
