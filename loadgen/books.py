"""The books of a run: the same count by every party that keeps one."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from contract.jobs import Outcome
from contract.runfolder import Counts, Entry, JobRecord, RequestRecord

Party = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Parties:
    """Growth over the measured phase as each party counted it; None where a party told nothing.

    `client` is what the load generator recorded, `seen` those of it whose end it saw (None: all), `load_metrics` what
    its metrics told Prometheus; `redis` are the ledger's own totals, `exporter` the same as Prometheus read them;
    `listing` is what the API's pages show.
    """

    client: Party
    listing: Party
    redis: Party | None
    exporter: Party | None
    workers: Party | None
    load_metrics: Party | None
    api_accepted: int | None
    videos: int
    seen: Party | None = None


def client_party(records: list[JobRecord], lost: Collection[str] = ()) -> Party:
    """Of the jobs that ought to be in the ledger: those that are lost are named elsewhere."""
    kept = [record for record in records if record.id not in lost]
    ended = Counter(record.outcome for record in kept)
    return {
        "arrivals": len(records),
        "dropped": sum(record.dropped for record in records),
        "submitted": sum(record.id is not None for record in kept),
        **{outcome.value: ended[outcome] for outcome in Outcome},
    }


def seen_party(records: list[JobRecord]) -> Party:
    """Of the jobs whose end the client has seen, which is what its metrics count."""
    ended = Counter(record.outcome for record in records if record.held is not None)
    return {outcome.value: ended[outcome] for outcome in Outcome}


def listing_party(counts: Counts) -> Party:
    return {outcome.value: getattr(counts, outcome.value) for outcome in Outcome}


def balance(parties: Parties, without: Collection[str] = ()) -> list[Entry]:
    """One entry per count; an entry passes when every party named in it tells the same number.

    `without` names parties that cannot know: a process that was killed takes with it what it counted last.
    """

    def _entry(name: str, **counted: int | None) -> Entry:
        return entry(name, **{party: n for party, n in counted.items() if party not in without})

    entries = [
        _entry(
            "submitted",
            client=_of(parties.client, "submitted"),
            redis=_of(parties.redis, "submitted"),
            exporter=_of(parties.exporter, "submitted"),
            api=parties.api_accepted,
        ),
        _entry("arrivals", client=_of(parties.client, "arrivals"), load_metrics=_of(parties.load_metrics, "arrivals")),
        _entry("dropped", client=_of(parties.client, "dropped"), load_metrics=_of(parties.load_metrics, "dropped")),
    ]
    for outcome in Outcome:
        found = {
            "client": _of(parties.client, outcome),
            "listing": _of(parties.listing, outcome),
            "redis": _of(parties.redis, f"finished:{outcome}"),
            "exporter": _of(parties.exporter, outcome),
        }
        told, seen = _of(parties.load_metrics, outcome), _of(parties.seen, outcome)
        if seen is None or seen == found["client"]:
            found["load_metrics"] = told
        else:
            entries.append(_entry(f"{outcome}, seen", client=seen, load_metrics=told))
        if outcome is not Outcome.CANCELLED:  # a job cancelled in the queue never meets a worker
            found["workers"] = _of(parties.workers, outcome)
        entries.append(_entry(outcome.value, **found))
    entries.append(_entry("videos", client=_done(parties.client), artifacts=parties.videos))
    if "redis" not in without:
        ended = None if parties.redis is None else sum(parties.redis.get(f"finished:{o}", 0) for o in Outcome)
        entries.append(_entry("conservation", submitted=_of(parties.redis, "submitted"), ended=ended))
    return entries


def balance_requests(requests: list[RequestRecord], api: Mapping[str, int | None]) -> list[Entry]:
    """One entry per endpoint: answers that came, and requests that the service counted there."""
    answered = Counter(request.endpoint for request in requests if request.status is not None)
    endpoints = sorted({request.endpoint for request in requests})
    return [entry(endpoint, client=answered[endpoint], api=api.get(endpoint)) for endpoint in endpoints]


def _done(party: Party) -> int:
    return party[Outcome.COMPLETED] + party[Outcome.PARTIAL]


def _of(party: Party | None, name: str) -> int | None:
    return None if party is None else party.get(name)


def entry(name: str, **parties: int | None) -> Entry:
    """Passes when every party tells the same number, and each tells one."""
    return Entry(name=name, parties=parties, passed=len(set(parties.values())) == 1 and None not in parties.values())


def sentences(entries: list[Entry]) -> list[str]:
    """What does not balance, for people."""
    return [
        f"the books do not balance: {entry.name} is "
        + ", ".join(
            f"{'unknown' if n is None else n} by {party.replace('_', ' ')}" for party, n in entry.parties.items()
        )
        for entry in entries
        if not entry.passed
    ]
