"""What a run does to provider calls and to jobs under way, and what it then looks after."""

import contextlib
import time
from collections.abc import AsyncIterator, Iterator, Sequence

from contract.artifacts import DataFolder
from contract.jobs import Outcome
from contract.provider_faults import FaultPlan, ProviderFault
from contract.runfolder import JobRecord, RunInfo
from loadgen.controller import Controller
from loadgen.providers import CallLedger, Mocks
from loadgen.scenario import Step

GRACE = 0.5
"""Seconds after the acknowledgement of its cancellation in which a job may still call a provider."""


async def withdraw_leftovers(controller: Controller) -> None:
    """A run that was killed may have left its plan of faults in force."""
    if controller.control_token:
        async with Mocks(controller.mocks_url, controller.control_token) as mocks:
            await mocks.withdraw()


def idle(faults: Sequence[ProviderFault], calls: CallLedger | None) -> Iterator[str]:
    """Those that would have met the first call that came; a rare one may honestly meet none."""
    struck = {call.number for call in calls.faulted} if calls else set()
    for number, fault in enumerate(faults):
        if fault.rate == 1 and number not in struck:
            yield f"{fault.kind} of {fault.provider} at {fault.at:g} s"


@contextlib.asynccontextmanager
async def spoiling(step: Step, controller: Controller, info: RunInfo) -> AsyncIterator[Mocks | None]:
    """The scenario's faults of providers are in force from now on; None where the mocks keep no ledger of its calls."""
    if not step.scenario.spoils_calls:
        yield None
        return
    info.faults_start, info.provider_faults = time.time(), list(step.scenario.provider_faults)
    plan = FaultPlan(run=info.id, start=info.faults_start, faults=step.scenario.provider_faults)
    async with Mocks(controller.mocks_url, controller.control_token) as mocks, mocks.led(plan):
        yield mocks


def look_after_cancelled(records: list[JobRecord], calls: CallLedger | None, data: DataFolder) -> None:
    """Notes what a cancelled job still did, and what it left behind."""
    for record in records:
        if calls is None or record.cancel is None or record.cancel.acknowledged is None or record.id is None:
            continue
        if record.outcome is Outcome.CANCELLED:
            record.cancel.late_calls = calls.late_calls(record.seed_key, record.cancel.acknowledged + GRACE)
            record.cancel.leftovers = sum(path.is_file() for path in data.job(record.id).rglob("*"))
