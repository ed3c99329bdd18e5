"""The books of provider calls; each way in which they can be wrong is tried."""

from typing import Any

import pytest

from contract.calls import CallResult, Provider
from contract.jobs import CallTiming, Outcome, Timings
from contract.provider_faults import Answered, FaultedCall, FaultKind
from contract.runfolder import JobRecord
from loadgen.accounting import Account, CallBooks, Counted
from tests.unit.loadgen.handmade import key, record

TTS = Provider.TTS


def timing(attempt: int, result: CallResult, scene: int = 1, provider: Provider = TTS) -> CallTiming:
    return CallTiming(
        provider=provider,
        scene=scene,
        attempt=attempt,
        result=result,
        start=100.0,
        seconds=0.1,
        planned=0.1,
        bytes_sent=1,
        bytes_received=1,
    )


def called(index: int, *calls: CallTiming, **fields: Any) -> JobRecord:
    return record(index, **({"executions": 1, "timings": Timings(calls=list(calls))} | fields))


def faulted(
    index: int, attempt: int = 1, kind: FaultKind = FaultKind.ERROR, execution: int = 1, **fields: Any
) -> FaultedCall:
    given = {"provider": TTS, "number": 0, "at": 100.0, "answered": Answered.SENT, "ended": 100.1} | fields
    return FaultedCall(key=f"{key(index)} 1 {execution} {attempt}", kind=kind, **given)


def counted(faults: int | None, failed: int | None, retries: int | None) -> Counted:
    nothing: dict[str, int | None] = dict.fromkeys(Provider, 0)
    return Counted(
        faults={("tts", "error"): faults}, failed=nothing | {"tts": failed}, retries=nothing | {"tts": retries}
    )


RECOVERED = called(0, timing(1, CallResult.STATUS), timing(2, CallResult.OK))


def balanced(calls: list[FaultedCall], records: list[JobRecord], told: Counted, *, disturbed: bool = False) -> Account:
    return CallBooks(calls, records, disturbed=disturbed).balance(told)


def red(account: Account) -> list[str]:
    return [entry.name for entry in account.entries if not entry.passed]


def test_a_fault_that_was_answered_seen_and_counted_balances() -> None:
    account = balanced([faulted(0)], [RECOVERED], counted(1, 1, 1))
    assert (red(account), account.unexplained) == ([], [])
    assert {entry.name for entry in account.entries} >= {"faults, tts error", "calls failed, tts", "calls retried, tts"}


def test_a_fault_that_its_worker_swallowed_is_named() -> None:
    account = balanced([faulted(0)], [called(0, timing(1, CallResult.OK))], counted(1, 0, 0))
    assert account.unexplained == ["the tts call '1/measure/0 1 1 1' met error, and its worker saw ok"]
    silent = balanced([faulted(0)], [called(0, timing(2, CallResult.OK))], counted(1, 0, 1))
    assert silent.unexplained == ["the tts call '1/measure/0 1 1 1' met error, and its worker never saw it"]
    assert red(silent) == ["faults, tts error"]


@pytest.mark.parametrize(
    ("told", "wrong"),
    [
        (counted(0, 1, 1), "faults, tts error"),
        (counted(None, 1, 1), "faults, tts error"),
        (counted(1, 0, 1), "calls failed, tts"),
        (counted(1, 1, 0), "calls retried, tts"),
        (counted(1, 1, None), "calls retried, tts"),
    ],
)
def test_a_counter_that_skips_or_is_silent_is_seen(told: Counted, wrong: str) -> None:
    assert red(balanced([faulted(0)], [RECOVERED], told)) == [wrong]


def test_a_fault_that_was_never_answered_is_seen() -> None:
    assert red(balanced([faulted(0, answered=None)], [RECOVERED], counted(1, 1, 1))) == ["faults, tts error"]


def test_a_failure_that_nobody_decided_is_named_unless_processes_met_faults_too() -> None:
    account = balanced([], [RECOVERED], counted(0, 1, 1))
    assert account.unexplained == ["the tts call '1/measure/0 1 1 1' failed (status), and no fault was decided for it"]
    assert balanced([], [RECOVERED], counted(0, 1, 1), disturbed=True).unexplained == []


def test_a_gap_is_explained_by_a_cancelled_job_or_an_execution_that_another_one_replaced() -> None:
    cancelled = record(0, outcome=Outcome.CANCELLED, executions=1, timings=Timings())
    replaced = called(1, timing(1, CallResult.OK), executions=2)
    account = balanced([faulted(0), faulted(1)], [cancelled, replaced], counted(2, None, None))
    assert (red(account), account.unexplained) == ([], []), "what the records cannot know is not compared"
    late = balanced([faulted(1, execution=2, attempt=3)], [replaced], counted(1, None, None))
    assert len(late.unexplained) == 1


def test_a_call_that_was_cancelled_is_explained_by_the_end_of_its_job() -> None:
    failed = called(0, timing(1, CallResult.CANCELLED), outcome=Outcome.FAILED)
    account = balanced([faulted(0)], [failed], counted(1, 1, 0))
    assert (red(account), account.unexplained) == ([], [])
    delivered = balanced([faulted(0)], [called(0, timing(1, CallResult.CANCELLED))], counted(1, 1, 0))
    assert len(delivered.unexplained) == 1, "nobody cancels the calls of a job that is completed"


def test_a_call_that_both_sides_gave_up_is_explained() -> None:
    record_ = called(0, timing(1, CallResult.TIMEOUT), timing(2, CallResult.OK))
    given_up = balanced([faulted(0, answered=Answered.LEFT)], [record_], counted(1, 1, 1))
    assert (red(given_up), given_up.unexplained) == ([], [])
    assert len(balanced([faulted(0)], [record_], counted(1, 1, 1)).unexplained) == 1


def test_a_fault_of_a_job_that_nobody_asked_for_is_named() -> None:
    account = balanced([faulted(7)], [RECOVERED], counted(1, 1, 1), disturbed=True)
    assert "the tts call '1/measure/7 1 1 1' met error, and no job of this run has that key" in account.unexplained
