"""The faults of provider calls, counted by each party that knows of them: where no books were closed about them."""

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum

from contract.calls import CallKey, CallResult, Provider
from contract.jobs import Outcome
from contract.provider_faults import FaultedCall, FaultKind
from contract.runfolder import JobRecord
from reporter.runs import Run


class Fate(StrEnum):
    """What a record tells of a call that met a fault."""

    SEEN = "seen"
    """Its worker saw it end as such a fault may."""
    GONE = "gone"
    """Nothing, because its job was cancelled, or the execution that made it did not end the job."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Calls of one provider that met one kind of fault, and how many had which fate. `counted` is PromQL's figure, None
    where it tells nothing.
    """

    provider: Provider
    kind: FaultKind
    decided: int
    answered: int
    seen: int
    gone: int
    counted: int | None

    @property
    def balanced(self) -> bool:
        return self.decided == self.answered == self.seen + self.gone == self.counted


def standings(run: Run) -> list[Standing]:
    """Of each provider and kind that was decided or counted."""
    seen = _seen(run)
    records = {job.seed_key: job for job in run.measured}
    calls: dict[tuple[Provider, FaultKind], list[FaultedCall]] = {}
    for call in run.faulted_calls:
        calls.setdefault((call.provider, call.kind), []).append(call)
    found = []
    for provider in Provider:
        for kind in FaultKind:
            met = calls.get((provider, kind), [])
            counted = run.answers.count("mock.faults", provider=provider, kind=kind)
            if met or counted:
                fates = Counter(_fate(call, seen, records) for call in met)
                answered = sum(call.answered is not None for call in met)
                known = (fates[Fate.SEEN], fates[Fate.GONE], counted)
                found.append(Standing(provider, kind, len(met), answered, *known))
    return found


def _seen(run: Run) -> dict[tuple[Provider, str], CallResult]:
    """How calls ended for the workers, by provider and key, of the executions that ended the jobs."""
    return {
        (call.provider, CallKey(job.seed_key, call.scene, job.executions, call.attempt).encode()): call.result
        for job in run.measured
        if job.timings is not None and job.executions is not None
        for call in job.timings.calls
        if call.result is not None
    }


def _fate(
    call: FaultedCall, seen: dict[tuple[Provider, str], CallResult], records: dict[str, JobRecord]
) -> Fate | None:
    """None is unexplained."""
    result = seen.get((call.provider, call.key))
    if result is not None:
        return Fate.SEEN if result is CallResult.CANCELLED or call.explains(result) else None
    key = CallKey.decode(call.key)
    job = records.get(key.seed_key)
    if job is None:
        return None
    return Fate.GONE if job.outcome is Outcome.CANCELLED or key.execution < (job.executions or 0) else None
