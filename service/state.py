"""What the routes of one service process share."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, Request

from contract.artifacts import DataFolder
from contract.ledger import Ledger
from contract.manifest import Manifest
from contract.records import Records
from contract.settings import Deployment, Workload
from service.changes import Changes


@dataclass(frozen=True, slots=True)
class State:
    deployment: Deployment
    workload: Workload
    ledger: Ledger
    records: Records
    changes: Changes
    data: DataFolder
    manifest: Callable[[str, str], Manifest]
    """That of a job and the token of the execution that won. Raises FileNotFoundError."""


async def _state(request: Request) -> State:
    return cast("State", request.app.state.service)


Service = Annotated[State, Depends(_state)]
