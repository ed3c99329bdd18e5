"""The books of the cache; each way in which they can be wrong is tried."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from contract.calls import CacheResult, Provider
from contract.jobs import CacheLookup, CallTiming, Timings
from contract.provider_faults import CallNote
from contract.runfolder import JobRecord
from loadgen.accounting import Account, Scope, scope_of
from loadgen.cache_books import CacheBooks, CacheCounted
from loadgen.providers import CallLedger
from tests.unit.loadgen.handmade import key, record

HIT, MISS = CacheResult.HIT, CacheResult.MISS
TOOK = 0.25


def lookup(provider: Provider, scene: int, request: str, result: CacheResult) -> CacheLookup:
    saved = TOOK if result.saves_call else 0.0
    return CacheLookup(provider=provider, scene=scene, request=request, result=result, seconds=0.001, saved=saved)


def asked(index: int, *lookups: CacheLookup) -> JobRecord:
    return record(index, executions=1, timings=Timings(calls=_calls(lookups), lookups=list(lookups)))


def _calls(lookups: Sequence[CacheLookup]) -> list[CallTiming]:
    return [
        CallTiming(
            provider=one.provider, scene=one.scene, attempt=1, result="ok", start=1.0, seconds=TOOK, planned=TOOK,
            bytes_sent=1, bytes_received=1,
        )
        for one in lookups
        if not one.result.saves_call
    ]  # fmt: skip


def job(index: int, llm: CacheResult, scenes: CacheResult, requests: str = "a") -> JobRecord:
    """A job whose scenes, in pairs of narration and picture, all came to one result."""
    parts = [lookup(Provider.LLM, 0, requests, llm)]
    for scene in range(1, 6):
        parts += [lookup(provider, scene, f"{requests}{scene}", scenes) for provider in (Provider.TTS, Provider.VISUAL)]
    return asked(index, *parts)


TWICE = [job(0, MISS, MISS), job(1, HIT, HIT)]


def ledger(records: Sequence[JobRecord]) -> CallLedger:
    """What the mocks note of all calls on record."""
    return CallLedger(
        [
            CallNote(key=f"{one.seed_key} {call.scene} 1 {call.attempt}", provider=call.provider, at=1.0)
            for one in records
            if one.timings
            for call in one.timings.calls
        ]
    )


def counted(records: Sequence[JobRecord], lost: int = 0) -> CacheCounted:
    """What honest workers and mocks count."""
    lookups = [one for each in records if each.timings for one in each.timings.lookups]
    return CacheCounted(
        lookups={p: sum(one.provider is p for one in lookups) for p in Provider},
        hits={p: sum(one.provider is p and one.result.saves_call for one in lookups) for p in Provider},
        saved={p: sum(one.saved for one in lookups if one.provider is p) for p in Provider},
        mock_calls={p: sum(note.provider is p for note in ledger(records).calls) for p in Provider},
        lost=lost,
    )


def balanced(
    records: Sequence[JobRecord],
    told: CacheCounted | None = None,
    *,
    shared: bool = True,
    disturbed: bool = False,
    forgetful: bool = False,
) -> Account:
    scope = scope_of(records, disturbed=disturbed)
    books = CacheBooks(records, ledger(records) if shared else None, scope, shared=shared, forgetful=forgetful)
    return books.balance(told or counted(records))


def red(account: Account) -> list[str]:
    return [entry.name for entry in account.entries if not entry.passed]


def test_each_input_twice_balances() -> None:
    account = balanced(TWICE)
    assert (red(account), account.unexplained) == ([], [])
    found = {entry.name: entry.parties for entry in account.entries}
    assert found["cache lookups, tts"] == {"client": 10, "records": 10, "workers": 10}
    assert found["calls saved, tts"] == {"mocks": 5, "records": 5, "workers": 5}
    assert found["calls made, tts"] == {"mocks": 5, "mock_metrics": 5}
    assert found["distinct requests, tts"] == {"records": 5, "mocks": 5}


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("hits", ["cache hits, tts", "calls saved, tts"]),
        ("lookups", ["cache lookups, tts"]),
        ("mock_calls", ["calls made, tts"]),
    ],
)
@pytest.mark.parametrize("off", [-1, None])
def test_a_counter_that_skips_one_or_tells_nothing_does_not_balance(
    field: str, wrong: list[str], off: int | None
) -> None:
    told = counted(TWICE)
    honest = getattr(told, field)
    spoilt = honest | {Provider.TTS: None if off is None else honest[Provider.TTS] + off}
    assert red(balanced(TWICE, replace(told, **{field: spoilt}))) == wrong


def test_seconds_that_differ_are_named() -> None:
    told = counted(TWICE)
    account = balanced(TWICE, replace(told, saved={**told.saved, Provider.LLM: 0.2}))
    assert account.unexplained == ["the hits of llm calls saved 0.250 s by the records, and 0.200 s by the workers"]


def test_a_hit_for_which_nobody_had_called_is_named() -> None:
    account = balanced([job(0, HIT, MISS)])
    assert account.unexplained == [
        f"the llm call of scene 0 of the job {key(0)} was a hit, and no job of this run had made it"
    ]


def test_a_request_that_is_called_for_again_for_no_reason_does_not_balance() -> None:
    assert set(red(balanced([job(0, MISS, MISS), job(1, MISS, HIT)]))) == {"distinct requests, llm"}


@pytest.mark.parametrize("reason", [CacheResult.ABANDONED, CacheResult.DOWN, CacheResult.SLOW, CacheResult.CORRUPT])
def test_a_request_that_is_called_for_again_for_a_reason_balances(reason: CacheResult) -> None:
    assert red(balanced([job(0, MISS, MISS), job(1, reason, HIT)])) == []
    assert red(balanced([job(0, reason, MISS), job(1, MISS, HIT)])) == []


def test_an_entry_that_was_lost_may_be_called_for_again() -> None:
    records = [job(0, MISS, MISS), job(1, MISS, HIT)]
    assert red(balanced(records, counted(records, lost=1))) == []


def test_where_nothing_is_to_be_shared_a_hit_on_another_job_s_call_is_named() -> None:
    account = balanced([job(0, MISS, MISS), job(1, HIT, MISS, "b")], shared=False)
    assert account.unexplained == [
        f"the llm call of scene 0 of the job {key(1)} was a hit, and not the job itself had made it"
    ]
    assert balanced([job(0, MISS, MISS), job(1, MISS, MISS, "b")], shared=False).unexplained == []


def test_two_scenes_of_one_job_may_ask_for_the_same() -> None:
    own = asked(0, lookup(Provider.TTS, 1, "a", MISS), lookup(Provider.TTS, 2, "a", CacheResult.COALESCED))
    account = balanced([own], shared=False)
    assert (red(account), account.unexplained) == ([], [])


def test_a_worker_that_was_killed_took_its_counts_along_but_a_hit_is_named_all_the_same() -> None:
    assert scope_of(TWICE, disturbed=True) is Scope.NOTHING
    account = balanced([job(0, HIT, MISS)], disturbed=True, shared=False)
    assert (account.entries, len(account.unexplained)) == ([], 1)


def test_a_job_whose_first_execution_the_ledger_forgot_may_find_what_that_had_stored() -> None:
    account = balanced([job(0, HIT, HIT)], disturbed=True, shared=False, forgetful=True)
    assert (account.entries, account.unexplained) == ([], [])


def test_a_workload_without_a_cache_has_no_lookups_to_audit() -> None:
    plain = record(0, executions=1, timings=Timings(calls=_calls([lookup(Provider.LLM, 0, "a", MISS)])))
    account = balanced([plain])
    assert (red(account), account.unexplained) == ([], [])
