from dataclasses import replace
from typing import Any

import pytest

from contract.jobs import Outcome
from loadgen.books import Parties, Party, balance, client_party, listing_party, seen_party, sentences
from loadgen.history import reconcile
from tests.unit.loadgen.handmade import job, record

RECORDS = [
    record(0),
    record(1),
    record(2, outcome=Outcome.PARTIAL),
    record(3, outcome=Outcome.FAILED),
    record(4, outcome=Outcome.CANCELLED),
]
BY_OUTCOME = {"completed": 2, "partial": 1, "failed": 1, "cancelled": 1}


def agreeing() -> Parties:
    return Parties(
        client=client_party(RECORDS),
        listing=dict(BY_OUTCOME),
        redis={"submitted": 5} | {f"finished:{outcome}": count for outcome, count in BY_OUTCOME.items()},
        exporter={"submitted": 5} | BY_OUTCOME,
        workers={"completed": 2, "partial": 1, "failed": 1, "cancelled": 0},
        load_metrics={"arrivals": 5, "dropped": 0} | BY_OUTCOME,
        api_accepted=5,
        videos=3,
    )


def replaced(parties: Parties, party: str, told: Party | int | None) -> Parties:
    change: dict[str, Any] = {party: told}
    return replace(parties, **change)


def test_the_client_and_the_listing_count_what_they_hold() -> None:
    assert (
        client_party([*RECORDS, record(5, id=None, outcome=None)])
        == {"arrivals": 6, "dropped": 0, "submitted": 5} | BY_OUTCOME
    )
    known = [job(0), job(1, failed_scenes=[1])]
    counts = reconcile(RECORDS[:2], known).counts
    assert listing_party(counts) == {"completed": 1, "partial": 1, "failed": 0, "cancelled": 0}


def test_the_books_of_agreeing_parties_balance() -> None:
    entries = balance(agreeing())
    assert [entry.name for entry in entries if not entry.passed] == []
    assert {entry.name for entry in entries} >= {"submitted", "arrivals", "videos", "conservation", *BY_OUTCOME}
    assert sentences(entries) == []


COUNTS = [
    *(("client", name) for name in ("arrivals", "dropped", "submitted", *BY_OUTCOME)),
    *(("listing", name) for name in BY_OUTCOME),
    *(("redis", name) for name in ("submitted", *(f"finished:{outcome}" for outcome in BY_OUTCOME))),
    *(("exporter", name) for name in ("submitted", *BY_OUTCOME)),
    *(("workers", name) for name in ("completed", "partial", "failed")),
    *(("load_metrics", name) for name in ("arrivals", "dropped", *BY_OUTCOME)),
]


@pytest.mark.parametrize(("party", "name"), COUNTS)
@pytest.mark.parametrize("by", [-1, 1])
def test_each_count_of_each_party_that_is_off_by_one_is_seen_and_named(party: str, name: str, by: int) -> None:
    parties = agreeing()
    counts: dict[str, int] = dict(getattr(parties, party))
    counts[name] += by
    said = sentences(balance(replaced(parties, party, counts)))
    entry, told = name.removeprefix("finished:"), f"{counts[name]} by {party.replace('_', ' ')}"
    assert any(f"{entry} is " in sentence and told in sentence for sentence in said), said


@pytest.mark.parametrize(("party", "told"), [("api_accepted", "api"), ("videos", "artifacts")])
def test_an_api_count_or_a_video_count_that_is_off_is_seen(party: str, told: str) -> None:
    parties = agreeing()
    off = getattr(parties, party) + 1
    (sentence,) = sentences(balance(replaced(parties, party, off)))
    assert f"{off} by {told}" in sentence


@pytest.mark.parametrize("party", ["redis", "exporter", "workers", "load_metrics", "api_accepted"])
def test_a_party_that_told_nothing_is_unknown_and_never_agrees(party: str) -> None:
    silent = balance(replaced(agreeing(), party, None))
    named = party.removesuffix("_accepted").replace("_", " ")
    assert any(f"unknown by {named}" in sentence for sentence in sentences(silent))
    everybody = Parties(
        client=dict.fromkeys(client_party([]), 0),
        listing=dict.fromkeys(BY_OUTCOME, 0),
        redis=None,
        exporter=None,
        workers=None,
        load_metrics=None,
        api_accepted=None,
        videos=0,
    )
    passed = {entry.name for entry in balance(everybody) if entry.passed}
    assert passed == {"videos"}, "nothing but what was counted twice may balance"


def test_a_count_that_a_party_leaves_out_is_unknown_too() -> None:
    redis: Party = {"submitted": 5}
    said = sentences(balance(replace(agreeing(), redis=redis)))
    assert any("completed" in sentence and "unknown by redis" in sentence for sentence in said)


def test_a_job_that_never_ended_breaks_conservation() -> None:
    redis = {**(agreeing().redis or {}), "submitted": 6}
    entry = next(one for one in balance(replace(agreeing(), redis=redis)) if one.name == "conservation")
    assert (entry.passed, entry.parties) == (False, {"submitted": 6, "ended": 5})


def test_the_client_s_metrics_count_only_the_ends_that_it_saw() -> None:
    records = [*(entry.model_copy(update={"held": 1.0}) for entry in RECORDS), record(5, held=None)]
    more = BY_OUTCOME | {"completed": 3}
    parties = replace(
        agreeing(),
        client=client_party(records),
        seen=seen_party(records),
        listing=more,
        redis={"submitted": 6} | {f"finished:{outcome}": count for outcome, count in more.items()},
        exporter={"submitted": 6} | more,
        workers={"completed": 3, "partial": 1, "failed": 1, "cancelled": 0},
        load_metrics={"arrivals": 6, "dropped": 0} | BY_OUTCOME,
        api_accepted=6,
        videos=4,
    )
    entries = {entry.name: entry for entry in balance(parties)}
    assert all(entry.passed for entry in entries.values())
    assert entries["completed, seen"].parties == {"client": 2, "load_metrics": 2}
    assert not all(entry.passed for entry in balance(replaced(parties, "seen", BY_OUTCOME | {"completed": 1})))


def test_a_job_that_is_lost_is_named_as_such_and_counts_nowhere_else() -> None:
    lost = RECORDS[0].id
    assert lost is not None
    assert client_party(RECORDS, [lost])["submitted"] == 4
    assert client_party(RECORDS, [lost])["completed"] == 1


def test_a_party_that_was_killed_is_not_asked() -> None:
    parties = replaced(agreeing(), "workers", {"completed": 1, "partial": 1, "failed": 1, "cancelled": 0})
    assert sentences(balance(parties))
    assert not sentences(balance(parties, {"workers"}))
    assert all("workers" not in entry.parties for entry in balance(parties, {"workers"}))
