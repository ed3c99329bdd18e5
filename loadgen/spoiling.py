"""What a run does to provider calls and to jobs under way, and what it then looks after."""

import contextlib
import math
import time
from collections.abc import AsyncIterator, Iterator, Sequence

from contract.artifacts import DataFolder
from contract.calls import CallKey
from contract.jobs import Outcome
from contract.provider_faults import FaultPlan, ProviderFault
from contract.runfolder import JobRecord, RunInfo
from loadgen.controller import Controller
from loadgen.providers import CallLedger, Mocks
from loadgen.scenario import Step

GRACE = 0.5
"""Seconds after the acknowledgement of its cancellation in which a job may still call a provider."""
ON_ITS_WAY = 0.05
"""Seconds after the end of a job in which a call that it had begun before may still arrive."""
CHANCE = 0.001
"""Probability below which a fault that met nothing was not just lucky."""


async def withdraw_leftovers(controller: Controller) -> None:
    """A run that was killed may have left its plan of faults in force."""
    if controller.control_token:
        async with Mocks(controller.mocks_url, controller.control_token) as mocks:
            await mocks.withdraw()


def idle(faults: Sequence[ProviderFault], start: float | None, calls: CallLedger | None) -> Iterator[str]:
    """Those that met no call although some should have; `start` is when the faults' clock began, in Unix seconds."""
    struck = {call.number for call in calls.faulted} if calls else set()
    for number, fault in enumerate(faults):
        if number not in struck and (1 - fault.rate) ** _in_reach(fault, start, calls) < CHANCE:
            yield f"{fault.kind} of {fault.provider} at {fault.at:g} s"


def _in_reach(fault: ProviderFault, start: float | None, calls: CallLedger | None) -> float:
    """How many calls, or scenes of a job where it is persistent, it might have met; without any it is idle for sure."""
    if calls is None or start is None:
        return math.inf
    end = math.inf if fault.duration is None else fault.at + fault.duration
    near = [
        CallKey.decode(note.key)
        for note in calls.calls
        if note.provider is fault.provider and fault.at <= note.at - start < end
    ]
    reached = [key for key in near if not fault.scenes or key.scene in fault.scenes]
    if fault.persistent:
        return len({(key.seed_key, key.scene) for key in reached}) or math.inf
    return len(reached) or math.inf


@contextlib.asynccontextmanager
async def spoiling(step: Step, controller: Controller, info: RunInfo) -> AsyncIterator[Mocks | None]:
    """The scenario's faults of providers are in force from now on; None where the mocks keep no ledger of its calls."""
    if not step.scenario.keeps_calls:
        yield None
        return
    start = time.time()
    if step.scenario.spoils_calls:
        info.faults_start, info.provider_faults = start, list(step.scenario.provider_faults)
    plan = FaultPlan(run=info.id, start=start, faults=step.scenario.provider_faults)
    async with Mocks(controller.mocks_url, controller.control_token) as mocks, mocks.led(plan):
        yield mocks


def look_after_cancelled(records: list[JobRecord], calls: CallLedger | None, data: DataFolder) -> None:
    """Notes what a cancelled job still did, and what it left behind."""
    for record in records:
        if calls is None or record.cancel is None or record.cancel.acknowledged is None or record.id is None:
            continue
        if record.outcome is Outcome.CANCELLED:
            last = record.cancel.acknowledged + GRACE
            if record.finished is not None:
                last = min(last, record.finished + ON_ITS_WAY)
            record.cancel.late_calls = calls.late_calls(record.seed_key, last)
            record.cancel.leftovers = sum(path.is_file() for path in data.job(record.id).rglob("*"))
