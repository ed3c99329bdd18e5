"""What the routes of one service process share."""

from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, Request

from contract.artifacts import DataFolder
from contract.ledger import Ledger
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


async def _state(request: Request) -> State:
    return cast("State", request.app.state.service)


Service = Annotated[State, Depends(_state)]
