"""What all parties counted in a step of a run, side by side: clients, ledger, workers, mocks and Prometheus.

The rooms do not know each other; beside `measure.py`, which asks for it, this is where what they tell comes together.
"""

from contract.calls import BILLED, CACHE_HITS, CacheResult, Provider
from contract.catalogue import Direction
from contract.process_faults import Kind, Target
from contract.runfolder import Entry, RequestRecord
from loadgen.accounting import Account, CallBooks, Counted, scope_of
from loadgen.books import Parties, balance, balance_requests, client_party, listing_party, seen_party
from loadgen.cache_books import CacheBooks, CacheCounted
from loadgen.runner import Outcomes
from loadgen.scenario import Step
from loadgen.traffic import UNANSWERED, Pair, Traffic, balance_traffic, comparable, mocked
from loadgen.verdict import Evidence
from reporter.answers import Answers
from reporter.books import (
    cache_lookups,
    client_counts,
    failed_calls,
    ledger_counts,
    lost_entries,
    mock_calls,
    retried_calls,
    unanswered_calls,
    worker_counts,
)


def evidence_of(step: Step, outcomes: Outcomes, answers: Answers, patience: float) -> Evidence:
    """`patience` is how long a job waits for providers, in seconds."""
    accepted = answers.count("service.posts", status="202")
    parties = Parties(
        client=client_party(outcomes.measured, outcomes.reconciliation.lost),
        seen=seen_party(outcomes.measured),
        listing=listing_party(outcomes.reconciliation.counts),
        redis=outcomes.redis_growth,
        exporter=ledger_counts(answers),
        workers=worker_counts(answers),
        load_metrics=client_counts(answers),
        api_accepted=accepted,
        videos=outcomes.inspection.integrity.videos,
    )
    account = _account(outcomes, answers, patience)
    kept = _cache_account(step, outcomes, answers)
    return Evidence(
        info=outcomes.info,
        records=outcomes.measured,
        reconciliation=outcomes.reconciliation,
        books=[
            *balance(parties, _without(outcomes)),
            *balance_requests(outcomes.requests, _answered(outcomes.requests, answers)),
            *account.entries,
            *kept.entries,
            *_balance_traffic(outcomes, answers),
        ],
        integrity=outcomes.inspection.integrity,
        deaths=outcomes.deaths,
        idle_faults=outcomes.idle_faults,
        unexplained=[*account.unexplained, *kept.unexplained],
    )


def _account(outcomes: Outcomes, answers: Answers, patience: float) -> Account:
    """Of the provider calls."""
    counted = Counted(
        faults={
            (sample.labels["provider"], sample.labels["kind"]): None if sample.value is None else int(sample.value)
            for sample in answers.samples("mock.faults")
        },
        failed={provider: failed_calls(answers, provider) for provider in Provider},
        retries={provider: retried_calls(answers, provider) for provider in Provider},
    )
    books = CallBooks(outcomes.calls, outcomes.measured, patience, disturbed=bool(outcomes.faults))
    return books.balance(counted)


def _cache_account(step: Step, outcomes: Outcomes, answers: Answers) -> Account:
    scope = scope_of(outcomes.measured, disturbed=bool(outcomes.faults))
    books = CacheBooks(
        outcomes.measured,
        outcomes.calls,
        scope,
        shared=step.scenario.cache is not None,
        forgetful=_forgot(outcomes),
    )
    return books.balance(
        CacheCounted(
            lookups={provider: cache_lookups(answers, provider, *CacheResult) for provider in Provider},
            hits={provider: cache_lookups(answers, provider, *CACHE_HITS) for provider in Provider},
            saved={provider: answers.value("cache.saved", provider=provider) for provider in Provider},
            mock_calls={provider: mock_calls(answers, provider) for provider in Provider},
            lost=lost_entries(answers),
        )
    )


def _balance_traffic(outcomes: Outcomes, answers: Answers) -> list[Entry]:
    if outcomes.faults or not comparable(outcomes.measured):
        return []
    return balance_traffic(_traffic(outcomes, answers))


def _traffic(outcomes: Outcomes, answers: Answers) -> Traffic:
    """Of the mocked providers, at both ends."""
    known = [provider for provider in Provider if provider in mocked(outcomes.measured)]
    other_end = {Direction.SENT: Direction.RECEIVED, Direction.RECEIVED: Direction.SENT}
    ways = [(provider, direction) for provider in known for direction in Direction]

    def pairs(ours: str, theirs: str) -> dict[tuple[Provider, Direction], Pair]:
        return {
            (provider, way): Pair(
                answers.count(ours, provider=provider, direction=way),
                answers.count(theirs, provider=provider, direction=other_end[way]),
            )
            for provider, way in ways
        }

    return Traffic(
        payload=pairs("call.bytes", "mock.bytes"),
        wire=pairs("call.wire", "mock.wire"),
        usage={
            (provider, unit): Pair(
                answers.count("call.usage", provider=provider, unit=unit),
                answers.count("mock.usage", provider=provider, unit=unit),
            )
            for provider in known
            for unit in BILLED[provider]
        },
        unanswered={provider for provider in known if unanswered_calls(answers, provider, UNANSWERED)},
        untold={provider for provider in known if answers.count("call.usage_untold", provider=provider)},
    )


def _without(outcomes: Outcomes) -> set[str]:
    """Parties that cannot know. One that was killed takes with it what it counted last; a ledger that lost the end of a
    job has it run twice; requests that are sent again are counted again by the API; and of a target of somebody else's
    neither the ledger is asked nor does its Prometheus read the load generator.
    """
    killed = any(fault.target == Target.WORKER and fault.kind != Kind.PAUSE for fault in outcomes.faults)
    silent = {"redis", "load_metrics"} if outcomes.info.foreign else set()
    return silent | ({"workers"} if killed or _forgot(outcomes) else set()) | ({"api"} if outcomes.faults else set())


def _forgot(outcomes: Outcomes) -> bool:
    """Whether the ledger lost data."""
    return any(fault.kind == Kind.POWER_LOSS for fault in outcomes.faults)


def _answered(requests: list[RequestRecord], answers: Answers) -> dict[str, int | None]:
    """By endpoint, how many requests the service says to have answered, whatever the status."""
    found: dict[str, int | None] = {}
    for endpoint in {request.endpoint for request in requests}:
        method, _, route = endpoint.partition(" ")
        values = [sample.value for sample in answers.samples("service.requests", method=method, route=route)]
        known = [value for value in values if value is not None]
        found[endpoint] = int(sum(known)) if known else None
    return found
