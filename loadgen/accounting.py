"""The books of provider calls: each fault that the mocks decided is answered, and seen by the worker that called.

A gap is explained by its key: the job was cancelled, or the execution that made the call ended before the job did. What
is not explained is named.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from contract.calls import CallKey, CallResult, Provider
from contract.jobs import CallTiming, ErrorCode, Outcome
from contract.provider_faults import FaultedCall
from contract.runfolder import Entry, JobRecord
from loadgen.books import entry

Key = tuple[Provider, str]
GIVEN_UP = (Outcome.CANCELLED, Outcome.FAILED)
"""Outcomes with which calls of a job end that nobody needs any more."""


@dataclass(frozen=True, slots=True)
class Counted:
    """What Prometheus counted over the run; None where it tells nothing. `faults` by provider and kind."""

    faults: Mapping[tuple[str, str], int | None]
    failed: Mapping[str, int | None]
    retries: Mapping[str, int | None]


@dataclass(slots=True)
class Account:
    """`entries` belong to the books; `unexplained` are sentences, one per call."""

    entries: list[Entry] = field(default_factory=list)
    unexplained: list[str] = field(default_factory=list)


class CallBooks:
    """Compares the mocks' ledger with the records of the measured jobs."""

    def __init__(self, faulted: Sequence[FaultedCall], records: Sequence[JobRecord], *, disturbed: bool) -> None:
        """`disturbed`: processes met faults too, so calls may fail that the mocks spoilt none of."""
        self._faulted = faulted
        self._records = {record.seed_key: record for record in records}
        self._seen = _seen(records)
        self._disturbed = disturbed

    def balance(self, counted: Counted) -> Account:
        account = Account()
        decided: Counter[tuple[str, str]] = Counter()
        answered: Counter[tuple[str, str]] = Counter()
        accounted: Counter[tuple[str, str]] = Counter()
        for call in self._faulted:
            kind = (str(call.provider), str(call.kind))
            decided[kind] += 1
            answered[kind] += call.answered is not None
            why = self._contradiction(call)
            accounted[kind] += why is None
            if why is not None:
                account.unexplained.append(f"the {call.provider} call {call.key!r} met {call.kind}, and {why}")
        for kind in sorted({*decided, *(kind for kind, n in counted.faults.items() if n)}):
            account.entries.append(
                entry(
                    f"faults, {kind[0]} {kind[1]}",
                    decided=decided[kind],
                    mock_metrics=counted.faults.get(kind),
                    answered=answered[kind],
                    accounted=accounted[kind],
                )
            )
        if not self._disturbed:
            account.unexplained += self._unexpected()
        if self._complete():
            account.entries += self._calls(counted)
        return account

    def _contradiction(self, call: FaultedCall) -> str | None:
        """What speaks against this call; None when it was seen as it was answered, or its gap is explained."""
        record = self._records.get(CallKey.decode(call.key).seed_key)
        if record is None:
            return "no job of this run has that key"
        result = self._seen.get((call.provider, call.key))
        if result is None:
            return None if _ended_early(CallKey.decode(call.key), record) else "its worker never saw it"
        if call.explains(result) or (result is CallResult.CANCELLED and record.outcome in GIVEN_UP):
            return None
        return f"its worker saw {result}"

    def _unexpected(self) -> list[str]:
        """Calls that failed although nothing spoilt them."""
        spoilt = {(call.provider, call.key) for call in self._faulted}
        fine = (CallResult.OK, CallResult.CANCELLED)
        return [
            f"the {provider} call {key!r} failed ({result}), and no fault was decided for it"
            for (provider, key), result in self._seen.items()
            if result not in fine and (provider, key) not in spoilt
        ]

    def _complete(self) -> bool:
        """Whether the records tell of every call that workers counted: each job had one execution, which ended it."""
        records = self._records.values()
        whole = all(record.timings and record.executions == 1 for record in records)
        return whole and not self._disturbed and not any(record.outcome is Outcome.CANCELLED for record in records)

    def _calls(self, counted: Counted) -> list[Entry]:
        calls = [call for record in self._records.values() if record.timings for call in record.timings.calls]
        failed = Counter(str(call.provider) for call in calls if call.result is not CallResult.OK)
        retries = Counter(str(call.provider) for call in calls if call.attempt > 1)
        return [
            line
            for provider in Provider
            for line in (
                entry(f"calls failed, {provider}", records=failed[provider], workers=counted.failed.get(provider)),
                entry(f"calls retried, {provider}", records=retries[provider], workers=counted.retries.get(provider)),
            )
        ]


def _seen(records: Sequence[JobRecord]) -> dict[Key, CallResult]:
    """By provider and key, how the calls of each job's last execution ended for its worker."""
    return {
        (call.provider, _key(record, call).encode()): call.result
        for record in records
        if record.timings and record.executions
        for call in record.timings.calls
        if call.result is not None
    }


def _key(record: JobRecord, call: CallTiming) -> CallKey:
    assert record.executions is not None
    return CallKey(record.seed_key, call.scene, record.executions, call.attempt)


def _ended_early(key: CallKey, record: JobRecord) -> bool:
    """Whether the execution that made a call left no timings, since something else ended the job or the process."""
    quarantined = record.error is not None and record.error.code is ErrorCode.QUARANTINED
    return quarantined or record.outcome is Outcome.CANCELLED or key.execution < (record.executions or 0)
