"""The books of provider calls; each way in which they can be wrong is tried."""

from typing import Any

import pytest

from contract.calls import CallResult, Provider
from contract.jobs import CallTiming, Outcome, Timings
from contract.provider_faults import Answered, CallNote, FaultedCall, FaultKind, FaultNote
from contract.runfolder import JobRecord
from loadgen.accounting import Account, CallBooks, Counted
from loadgen.providers import CallLedger
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


PATIENCE = 28.5


def noted(calls: list[FaultedCall], records: list[JobRecord]) -> CallLedger:
    """What mocks write down that met these faults, and all other calls on record."""
    notes: list[CallNote | FaultNote] = []
    for call in calls:
        notes.append(CallNote(key=call.key, provider=call.provider, at=call.at, fault=call.kind, number=call.number))
        if call.answered is not None:
            notes.append(FaultNote(key=call.key, provider=call.provider, answered=call.answered, at=call.at + 0.1))
    spoilt = {call.key for call in calls}
    for one in records:
        for made in one.timings.calls if one.timings else ():
            name = f"{one.seed_key} {made.scene} {one.executions} {made.attempt}"
            if name not in spoilt:
                notes.append(CallNote(key=name, provider=made.provider, at=100.0))
    return CallLedger(notes)


def balanced(
    calls: list[FaultedCall],
    records: list[JobRecord],
    told: Counted,
    *,
    disturbed: bool = False,
    ledger: CallLedger | None = None,
) -> Account:
    return CallBooks(ledger or noted(calls, records), records, PATIENCE, disturbed=disturbed).balance(told)


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
    account = balanced([faulted(0), faulted(1)], [cancelled, replaced], counted(2, 2, 2))
    assert (red(account), account.unexplained) == ([], []), "what the records cannot know is not compared"
    late = balanced([faulted(1, execution=2, attempt=3)], [replaced], counted(1, 1, 1))
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


def test_a_call_that_its_job_had_no_time_for_is_fine_if_that_time_was_really_over() -> None:
    cut = timing(1, CallResult.OUT_OF_TIME)
    late = called(0, cut.model_copy(update={"start": 100.0 + PATIENCE - 0.1}), started=100.0)
    early = called(0, cut.model_copy(update={"start": 101.0}), started=100.0)
    assert balanced([], [late], counted(0, 1, 0)).unexplained == []
    assert balanced([], [early], counted(0, 1, 0)).unexplained == [
        "the tts call '1/measure/0 1 1 1' failed (out_of_time), and no fault was decided for it"
    ]


def test_a_name_that_stands_for_two_calls_is_told_whoever_uses_it() -> None:
    """A retry number that does not advance, or a request that is sent twice."""
    again = called(0, timing(1, CallResult.STATUS), timing(1, CallResult.OK))
    assert (
        "its worker made the tts call '1/measure/0 1 1 1' 2 times"
        in balanced([faulted(0)], [again], counted(1, 1, 0)).unexplained
    )
    ledger = noted([faulted(0)], [RECOVERED])
    ledger.calls.append(ledger.calls[0])
    told = balanced([faulted(0)], [RECOVERED], counted(1, 1, 1), ledger=ledger)
    assert told.unexplained == ["the tts call '1/measure/0 1 1 1' came to the mocks 2 times"]


def test_a_call_that_only_one_side_knows_of_is_told() -> None:
    ledger = noted([], [RECOVERED])
    assert balanced([], [called(0, timing(1, CallResult.OK))], counted(0, 0, 0), ledger=ledger).unexplained == [
        "the tts call '1/measure/0 1 1 2' came to the mocks, and its worker never made it"
    ]
    answered = called(0, timing(1, CallResult.OK), timing(1, CallResult.OK, scene=2))
    only_one = noted([], [called(0, timing(1, CallResult.OK))])
    assert balanced([], [answered], counted(0, 0, 0), ledger=only_one).unexplained == [
        "the tts call '1/measure/0 2 1 1' was answered, and never came to the mocks"
    ]


@pytest.mark.parametrize(
    ("kind", "answered", "result"),
    [
        (FaultKind.OUTAGE, Answered.CUT, CallResult.STATUS),
        (FaultKind.LATENCY, Answered.LEFT, CallResult.OK),
        (FaultKind.ERROR, Answered.SENT, CallResult.BAD_PAYLOAD),
    ],
)
def test_what_the_worker_saw_must_be_what_was_answered(kind: FaultKind, answered: Answered, result: CallResult) -> None:
    seen = called(0, timing(1, result), timing(2, CallResult.OK))
    told = balanced([faulted(0, kind=kind, answered=answered)], [seen], counted(None, None, None))
    assert told.unexplained == [f"the tts call '1/measure/0 1 1 1' met {kind}, and its worker saw {result}"]


def test_where_calls_are_unknown_the_workers_have_counted_at_least_those_on_record() -> None:
    cancelled = record(1, outcome=Outcome.CANCELLED, executions=1, timings=Timings())
    fine = balanced([faulted(0)], [RECOVERED, cancelled], counted(1, 5, 5))
    assert red(fine) == []
    silent = balanced([faulted(0)], [RECOVERED, cancelled], counted(1, 5, 0))
    assert red(silent) == ["calls retried, tts, at least"]


def test_without_a_ledger_of_the_mocks_a_failure_is_named_all_the_same() -> None:
    told = CallBooks(None, [RECOVERED], PATIENCE, disturbed=False).balance(counted(None, 1, 1))
    assert told.unexplained == ["the tts call '1/measure/0 1 1 1' failed (status), and no fault was decided for it"]
