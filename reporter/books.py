"""The same jobs as three parties counted them, from Prometheus. None where a party told nothing."""

from collections.abc import Collection, Sequence

from contract.calls import CacheResult, CacheStore, CallResult, Provider
from contract.jobs import Outcome
from reporter.answers import Answers, Sample

SINGLES = {
    "ledger": {
        "submitted": "ledger.submitted",
        "executions": "ledger.executions",
        "crashes": "ledger.crashes",
        "handed_back": "ledger.handed_back",
        "stale_finishes": "ledger.stale_finishes",
    },
    "worker": {"handed_back": "worker.handed_back", "lost": "worker.lost"},
    "client": {"arrivals": "load.arrivals", "dropped": "load.dropped", "late": "load.late", "errors": "load.errors"},
}
BY_OUTCOME = {"ledger": "ledger.finished", "worker": "worker.executions", "client": "load.jobs"}


def ledger_counts(answers: Answers) -> dict[str, int] | None:
    """`submitted`, `executions`, `crashes`, `handed_back`, `stale_finishes` and the jobs ended by outcome."""
    return _counts(answers, "ledger")


def worker_counts(answers: Answers) -> dict[str, int] | None:
    """The executions ended by outcome, `handed_back` and `lost`."""
    return _counts(answers, "worker")


def client_counts(answers: Answers) -> dict[str, int] | None:
    """The jobs ended by outcome, `arrivals`, `late` and `errors`, as the load generator's metrics tell them."""
    return _counts(answers, "client")


def failed_calls(answers: Answers, provider: Provider) -> int | None:
    """Attempts that ended otherwise than well, cancelled ones included, as the workers counted them."""
    return _sum(answers, "call.results", provider, without=CallResult.OK)


def retried_calls(answers: Answers, provider: Provider) -> int | None:
    """Attempts beyond the first of their call, as the workers counted them."""
    return _sum(answers, "call.retries", provider)


def mock_calls(answers: Answers, provider: Provider) -> int | None:
    """Calls that the mocks answered, whatever the status."""
    return _sum(answers, "mock.calls", provider)


def cache_lookups(answers: Answers, provider: Provider, *results: CacheResult) -> int | None:
    """That came to these results, as the workers counted them."""
    return _total([s for s in answers.samples("cache.lookups", provider=provider) if s.labels["result"] in results])


def lost_entries(answers: Answers) -> int | None:
    """That the cache did not take, or forgot to make room."""
    unstored = _total([s for s in answers.samples("cache.stores") if s.labels["result"] != CacheStore.STORED])
    evicted = _total(answers.samples("cache.evicted"))
    return None if unstored is None or evicted is None else unstored + evicted


def unanswered_calls(answers: Answers, provider: Provider, results: Collection[CallResult]) -> int:
    """Attempts that ended so, as the workers counted them."""
    found = [s.value for s in answers.samples("call.results", provider=provider) if s.labels["result"] in results]
    return int(sum(value for value in found if value is not None))


def _sum(answers: Answers, id_: str, provider: Provider, without: str | None = None) -> int | None:
    return _total(
        [s for s in answers.samples(id_, provider=provider) if without is None or s.labels["result"] != without]
    )


def _total(samples: Sequence[Sample]) -> int | None:
    known = [sample.value for sample in samples if sample.value is not None]
    return int(sum(known)) if known else None


def _counts(answers: Answers, party: str) -> dict[str, int] | None:
    found = {name: answers.count(id_) for name, id_ in SINGLES[party].items()}
    found |= {outcome.value: answers.count(BY_OUTCOME[party], outcome=outcome) for outcome in Outcome}
    counts = {name: count for name, count in found.items() if count is not None}
    return counts if len(counts) == len(found) else None
