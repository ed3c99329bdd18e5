from dataclasses import replace

import pytest

from contract.calls import CallResult, Provider, UsageUnit
from contract.catalogue import Direction
from contract.jobs import CallTiming, Outcome, Timings
from loadgen.traffic import Pair, Traffic, balance_traffic, comparable, mocked
from tests.unit.loadgen.handmade import record

SENT, RECEIVED = (Provider.TTS, Direction.SENT), (Provider.TTS, Direction.RECEIVED)
CHARACTERS = (Provider.TTS, UsageUnit.CHARACTERS)
AGREEING = Traffic(
    payload={SENT: Pair(900, 900), RECEIVED: Pair(12_000, 12_000)},
    wire={SENT: Pair(2_000, 2_003), RECEIVED: Pair(12_700, 12_700)},
    usage={CHARACTERS: Pair(500, 500)},
    unanswered=(),
    untold=(),
)


def red(traffic: Traffic) -> list[str]:
    return [entry.name for entry in balance_traffic(traffic) if not entry.passed]


def test_the_same_at_both_ends_balances() -> None:
    assert [entry.name for entry in balance_traffic(AGREEING)] == [
        "payload bytes, tts sent",
        "payload bytes, tts received",
        "wire bytes, tts sent, within 2 %",
        "wire bytes, tts received, within 2 %",
        "usage, tts characters",
    ]
    assert red(AGREEING) == []


def test_one_byte_of_payload_and_one_character_too_few_show() -> None:
    assert red(replace(AGREEING, payload={SENT: Pair(899, 900)})) == ["payload bytes, tts sent"]
    assert red(replace(AGREEING, usage={CHARACTERS: Pair(500, 501)})) == ["usage, tts characters"]


@pytest.mark.parametrize(("workers", "close"), [(980, True), (1_020, True), (979, False), (1_021, False)])
def test_wire_bytes_may_differ_by_two_percent_of_the_larger(workers: int, *, close: bool) -> None:
    assert bool(red(replace(AGREEING, wire={SENT: Pair(workers, 1_000)}))) is not close


def test_one_end_that_tells_nothing_fails_and_a_kernel_that_counts_nothing_has_no_line() -> None:
    assert red(replace(AGREEING, wire={SENT: Pair(None, 1_000)})) == ["wire bytes, tts sent, within 2 %"]
    assert red(replace(AGREEING, payload={SENT: Pair(900, None)})) == ["payload bytes, tts sent"]
    silent = replace(AGREEING, wire={SENT: Pair(None, None)})
    assert not [entry for entry in balance_traffic(silent) if entry.name.startswith("wire")]


@pytest.mark.parametrize(
    ("sent", "received", "wrong"),
    [
        (Pair(900, 900), Pair(12_000, 12_000), []),
        (Pair(900, 700), Pair(11_000, 12_000), []),
        (Pair(700, 900), Pair(11_000, 12_000), ["payload bytes, tts sent, at most"]),
        (Pair(900, 900), Pair(12_001, 12_000), ["payload bytes, tts received, at most"]),
    ],
    ids=["equal", "cut on the way", "arrived though never sent", "came though never answered"],
)
def test_calls_without_an_answer_leave_only_the_order_of_the_two(sent: Pair, received: Pair, wrong: list[str]) -> None:
    cut = replace(AGREEING, payload={SENT: sent, RECEIVED: received}, unanswered={Provider.TTS})
    assert red(cut) == wrong
    assert not [entry for entry in balance_traffic(cut) if entry.name.startswith("wire")]


def test_usage_that_an_answer_did_not_tell_may_be_missing_but_not_more() -> None:
    untold = replace(AGREEING, untold={Provider.TTS})
    assert red(replace(untold, usage={CHARACTERS: Pair(400, 500)})) == []
    assert red(replace(untold, usage={CHARACTERS: Pair(501, 500)})) == ["usage, tts characters, at most"]


def test_a_provider_that_plans_nothing_is_no_mock() -> None:
    def call(provider: Provider, planned: float | None) -> CallTiming:
        return CallTiming(
            provider=provider,
            scene=1,
            attempt=1,
            result=CallResult.OK,
            start=0,
            seconds=1,
            planned=planned,
            bytes_sent=1,
            bytes_received=1,
        )

    job = record(0)
    job.timings = Timings(calls=[call(Provider.LLM, None), call(Provider.TTS, 0.1)])
    assert mocked([job]) == {Provider.TTS}


def test_work_of_cancelled_jobs_and_earlier_executions_may_still_go_on() -> None:
    again = record(1)
    again.executions = 2
    assert comparable([record(0), record(1)])
    assert not comparable([record(0), record(1, outcome=Outcome.CANCELLED)])
    assert not comparable([record(0), again])
