"""The books of provider calls: each fault that the mocks decided is answered, and seen by the worker that called.

A gap is explained by its key: the job was cancelled, or the execution that made the call ended before the job did. What
is not explained is named.
"""

import functools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from contract.calls import CallKey, CallResult, Provider
from contract.jobs import CallTiming, ErrorCode, Outcome
from contract.provider_faults import FaultedCall
from contract.runfolder import Entry, JobRecord
from loadgen.books import entry
from loadgen.providers import CallLedger

Key = tuple[Provider, str]
CLOCKS = 0.25
"""Seconds by which the times of a worker and of the ledger may differ, and a job may start after its claim."""
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

    def __init__(
        self, ledger: CallLedger | None, records: Sequence[JobRecord], patience: float, *, disturbed: bool
    ) -> None:
        """`ledger` is None where the mocks kept none. `patience`: seconds of its own that a job waits for providers.

        `disturbed`: processes met faults too, so calls may fail that the mocks spoilt none of.
        """
        self._ledger = ledger
        self._faulted = ledger.faulted if ledger else []
        self._records = {record.seed_key: record for record in records}
        self._seen = _seen(records)
        self._patience = patience
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
        account.unexplained += self._twice()
        if not self._disturbed:
            account.unexplained += [*self._unexpected(), *self._unmatched()]
        account.entries += self._calls(counted)
        return account

    def _contradiction(self, call: FaultedCall) -> str | None:
        """What speaks against this call; None when it was seen as it was answered, or its gap is explained."""
        record = self._records.get(CallKey.decode(call.key).seed_key)
        if record is None:
            return "no job of this run has that key"
        seen = self._seen.get((call.provider, call.key))
        if seen is None:
            return None if _ended_early(CallKey.decode(call.key), record) else "its worker never saw it"
        assert seen.result is not None
        if call.explains(seen.result) or (seen.result is CallResult.CANCELLED and record.outcome in GIVEN_UP):
            return None
        return f"its worker saw {seen.result}"

    def _unexpected(self) -> list[str]:
        """Calls that failed although nothing spoilt them."""
        spoilt = {(call.provider, call.key) for call in self._faulted}
        return [
            f"the {provider} call {key!r} failed ({timing.result}), and no fault was decided for it"
            for (provider, key), timing in self._seen.items()
            if not self._is_fine(key, timing) and (provider, key) not in spoilt
        ]

    def _is_fine(self, key: str, timing: CallTiming) -> bool:
        """Also a call that was cut by the time of its job, if that was really over."""
        if timing.result is CallResult.OUT_OF_TIME:
            started = self._records[CallKey.decode(key).seed_key].started
            return started is not None and timing.start + timing.seconds - started > self._patience - CLOCKS
        return timing.result in {CallResult.OK, CallResult.CANCELLED}

    def _unmatched(self) -> list[str]:
        """Calls that only one side knows of, of the executions that left timings."""
        if self._ledger is None:
            return []
        told = {_execution(name) for _, name in self._seen}
        met = {(note.provider, note.key) for note in self._ledger.calls}
        spoilt = {(call.provider, call.key) for call in self._faulted}
        return [
            *(
                f"the {provider} call {name!r} came to the mocks, and its worker never made it"
                for provider, name in met - spoilt - self._seen.keys()
                if _execution(name) in told
            ),
            *(
                f"the {provider} call {name!r} was answered, and never came to the mocks"
                for (provider, name), timing in self._seen.items()
                if timing.result is CallResult.OK and (provider, name) not in met
            ),
        ]

    def _twice(self) -> list[str]:
        """Calls made more than once under one name, of which the ledger could account for one only."""
        made = [
            (call.provider, _key(record, call).encode())
            for record in self._records.values()
            if record.timings and record.executions
            for call in record.timings.calls
        ]
        met = [(note.provider, note.key) for note in self._ledger.calls] if self._ledger else []
        return [
            *(f"its worker made the {p} call {name!r} {n} times" for (p, name), n in Counter(made).items() if n > 1),
            *(f"the {p} call {name!r} came to the mocks {n} times" for (p, name), n in Counter(met).items() if n > 1),
        ]

    def _calls(self, counted: Counted) -> list[Entry]:
        """What the records do not know of, other executions and cancelled jobs, the workers have counted too."""
        calls = [call for record in self._records.values() if record.timings for call in record.timings.calls]
        failed = Counter(str(call.provider) for call in calls if call.result is not CallResult.OK)
        retries = Counter(str(call.provider) for call in calls if call.attempt > 1)
        scope = scope_of(list(self._records.values()), disturbed=self._disturbed)
        if scope is Scope.NOTHING:
            return []
        compare = functools.partial(compared, scope)
        return [
            line
            for provider in Provider
            for line in (
                compare(f"calls failed, {provider}", records=failed[provider], workers=counted.failed.get(provider)),
                compare(f"calls retried, {provider}", records=retries[provider], workers=counted.retries.get(provider)),
            )
        ]


class Scope(Enum):
    """How much of what workers counted the records tell."""

    ALL = "all"
    PART = "part"
    NOTHING = "nothing"
    """A worker that was killed took its counts along."""


def scope_of(records: Sequence[JobRecord], *, disturbed: bool) -> Scope:
    """All where each job had one execution, which ended it."""
    if disturbed:
        return Scope.NOTHING
    whole = all(record.timings and record.executions == 1 for record in records)
    cancelled = any(record.outcome is Outcome.CANCELLED for record in records)
    return Scope.ALL if whole and not cancelled else Scope.PART


def compared(scope: Scope, name: str, *, records: int, workers: int | None) -> Entry:
    if scope is Scope.ALL:
        return entry(name, records=records, workers=workers)
    found = entry(f"{name}, at least", records=records, workers=workers)
    return found.model_copy(update={"passed": workers is not None and records <= workers})


def _seen(records: Sequence[JobRecord]) -> dict[Key, CallTiming]:
    """By provider and key, the calls of each job's last execution as its worker saw them."""
    return {
        (call.provider, _key(record, call).encode()): call
        for record in records
        if record.timings and record.executions
        for call in record.timings.calls
        if call.result is not None
    }


def _key(record: JobRecord, call: CallTiming) -> CallKey:
    assert record.executions is not None
    return CallKey(record.seed_key, call.scene, record.executions, call.attempt)


def _execution(name: str) -> tuple[str, int]:
    key = CallKey.decode(name)
    return key.seed_key, key.execution


def _ended_early(key: CallKey, record: JobRecord) -> bool:
    """Whether the execution that made a call left no timings, since something else ended the job or the process."""
    quarantined = record.error is not None and record.error.code is ErrorCode.QUARANTINED
    return quarantined or record.outcome is Outcome.CANCELLED or key.execution < (record.executions or 0)
