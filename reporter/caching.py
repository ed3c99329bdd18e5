"""What the cache did in a run: by the workers' counters, and by the records of its jobs."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from contract.calls import CACHE_HITS, CacheResult, CallResult, Provider
from contract.jobs import CacheLookup, CallTiming
from contract.runfolder import JobRecord
from reporter.books import cache_lookups
from reporter.indicator import Indicator, share
from reporter.runs import Run
from reporter.statistics import total

SCENARIO = "cache"


def cache_hit_rate(run: Run) -> Indicator:
    """Hits / lookups by the workers' counters; an answer shared with a call under way is a hit: no call was made."""
    hits, lookups = counted(run, *CACHE_HITS), counted(run, *CacheResult)
    if hits is None or lookups is None:
        return Indicator(None, 0)
    found, audit = share(hits, lookups, "lookups"), audit_of(run.measured).values()
    if found.value is None or not audit:
        return found
    hits, achievable = sum(one.hits for one in audit), sum(one.achievable for one in audit)
    return Indicator(found.value, found.n, f"{found.note}; {hits} of {achievable} achievable hits")


def counted(run: Run, *results: CacheResult) -> int | None:
    """Lookups of all providers that came to these results; unknown where those of one are."""
    found = total(cache_lookups(run.answers, provider, *results) for provider in Provider)
    return None if found is None else int(found)


@dataclass(frozen=True, slots=True)
class Audit:
    """Of one provider. A request is `distinct` when it is the first of its kind within its jobs' namespace; each one
    after it might have been a hit, so `achievable` is lookups − distinct.

    `calls` went to the provider for the lookups that missed, good ones, and `again` of them for a request that had been
    called for before. Of the calls whose answers were used again, once per use: `original` is what they took, and
    `planned` what the mock had planned for them, in seconds; None where one is unknown.
    """

    lookups: int
    hits: int
    distinct: int
    calls: int
    original: float | None
    planned: float | None

    @property
    def achievable(self) -> int:
        return self.lookups - self.distinct

    @property
    def again(self) -> int:
        return self.calls - self.distinct


def audit_of(records: Sequence[JobRecord]) -> dict[Provider, Audit]:
    """By provider, of those that were looked up for."""
    lookups: dict[Provider, list[CacheLookup]] = defaultdict(list)
    calls: dict[Provider, dict[str, list[CallTiming]]] = defaultdict(lambda: defaultdict(list))
    for record in records:
        if record.timings is None:
            continue
        good = {(call.provider, call.scene): call for call in record.timings.calls if call.result is CallResult.OK}
        for lookup in record.timings.lookups:
            lookups[lookup.provider].append(lookup)
            call = good.get((lookup.provider, lookup.scene))
            if call is not None and not lookup.result.saves_call:
                calls[lookup.provider][lookup.request].append(call)
    return {provider: _audit(found, calls[provider]) for provider, found in lookups.items()}


def _audit(lookups: list[CacheLookup], calls: dict[str, list[CallTiming]]) -> Audit:
    hits = [lookup for lookup in lookups if lookup.result.saves_call]
    sources = [_source(hit, calls.get(hit.request, [])) for hit in hits]
    known = [source for source in sources if source is not None]
    planned = [source.planned for source in known if source.planned is not None]
    return Audit(
        lookups=len(lookups),
        hits=len(hits),
        distinct=len({lookup.request for lookup in lookups}),
        calls=sum(map(len, calls.values())),
        original=sum(source.seconds for source in known) if len(known) == len(hits) else None,
        planned=sum(planned) if len(planned) == len(hits) else None,
    )


def _source(hit: CacheLookup, calls: list[CallTiming]) -> CallTiming | None:
    """The call whose answer was used: of several for one request, the one that took as long as the entry says."""
    return min(calls, key=lambda call: abs(call.seconds - hit.saved), default=None)


def first_asked(records: Sequence[JobRecord]) -> tuple[list[JobRecord], list[JobRecord]]:
    """Of a load that repeats inputs: the jobs that asked first for theirs, by their due times, and the rest."""
    seen: set[int] = set()
    first: list[JobRecord] = []
    repeated: list[JobRecord] = []
    for record in sorted(records, key=lambda record: record.due):
        if record.input is not None:
            (repeated if record.input in seen else first).append(record)
            seen.add(record.input)
    return first, repeated
