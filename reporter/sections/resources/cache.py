"""What the cache saved, and what it might have saved."""

from collections.abc import Iterator, Sequence

from contract.calls import CACHE_HITS, CacheResult, CacheStore, Provider
from contract.catalogue import Direction
from contract.runfolder import Entry, JobRecord
from reporter import ascii as chart
from reporter.books import cache_lookups, mock_calls
from reporter.caching import Audit, audit_of, cache_hit_rate, first_asked
from reporter.markdown import NO_DATA, NONE, NOT_RUN, bullets, fenced, percent, seconds, table, whole
from reporter.runs import Run
from reporter.stamp import stamp
from reporter.statistics import percentile

KINDS = {Provider.LLM: "script", Provider.TTS: "narration", Provider.VISUAL: "visual"}
FAILURES = (CacheResult.ABANDONED, CacheResult.DOWN, CacheResult.SLOW, CacheResult.CORRUPT)
"""Misses that are not for want of an entry."""
MIB = 2**20
BOOKS = ("cache hits", "cache lookups", "calls saved", "calls made", "distinct requests")

DEFINITIONS = (
    "*Hit rate*: hits / lookups, by the workers’ counters. A *hit* is a lookup after which no call was made: the "
    "answer was stored, or another job’s call for the same request was under way and its answer shared (*coalesced*). "
    "*Achievable*: lookups − distinct requests; each request has to be made once. *Misses*: nothing was there; "
    "*abandoned*, another job’s call was waited for in vain; *down*, *slow*, *corrupt*, the cache was of no use. "
    "The interval is the exact binomial one and takes lookups for independent, which those of one job are not."
)
AUDIT = (
    "*Wanted*: what the jobs of the client need, were there no cache. *Asked*: calls that came to the mocks, by their "
    "own metrics. *Saved*: wanted − asked, what the mocks were not asked. *Distinct*: different requests in the "
    "records of the jobs. *Original calls*: what the calls took whose answers were used again, once per use, by the "
    "records; *planned*, what the mocks had planned for them."
)


def cache(run: Run | None) -> list[str]:
    """Of the scenario `cache`."""
    if run is None:
        return [f"Scenario `cache`: {NOT_RUN}."]
    audit = audit_of(run.measured)
    if not audit:
        return [f"Scenario `{run.info.scenario}`: {NO_DATA} of lookups in the cache."]
    return [
        *_headline(run),
        DEFINITIONS,
        table(
            ("Kind", "Lookups", "Hits", "of these coalesced", "Hit rate", "Achievable", "Misses", *FAILURES),
            [_lookups(run, provider, audit.get(provider)) for provider in Provider],
            "lrrrrrr" + "r" * len(FAILURES),
        ),
        "Hits, of all lookups:",
        fenced(chart.tracks([_track(run, provider) for provider in Provider])),
        table(
            ("Kind", "Calls saved", "Seconds saved", "Read", "Stored", "Entries stored", "failed", "dropped"),
            [_savings(run, provider) for provider in Provider],
            "lrrrrrrr",
        ),
        _room(run),
        *_repeats(run),
        *_audit(run, audit),
    ]


def _headline(run: Run) -> list[str]:
    found = cache_hit_rate(run)
    judged = stamp(run)
    lines = [f"Hit rate **{percent(found.value)}** ({found.note or NO_DATA}), on a load of {_mix(run)}. {judged.word}."]
    return [*lines, bullets(judged.reasons)] if judged.reasons else lines


def _mix(run: Run) -> str:
    inputs = {record.input for record in run.measured if record.input is not None}
    return f"{len(run.measured)} jobs that ask for {len(inputs)} inputs"


def _lookups(run: Run, provider: Provider, audit: Audit | None) -> tuple[str, ...]:
    lookups, hits = (cache_lookups(run.answers, provider, *results) for results in (CacheResult, CACHE_HITS))
    return (
        KINDS[provider],
        whole(lookups),
        whole(hits),
        whole(cache_lookups(run.answers, provider, CacheResult.COALESCED)),
        percent(hits / lookups) if lookups and hits is not None else NO_DATA,
        NO_DATA if audit is None else whole(audit.achievable),
        whole(cache_lookups(run.answers, provider, CacheResult.MISS)),
        *(whole(cache_lookups(run.answers, provider, result)) for result in FAILURES),
    )


def _track(run: Run, provider: Provider) -> tuple[str, str, float | None]:
    lookups, hits = (cache_lookups(run.answers, provider, *results) for results in (CacheResult, CACHE_HITS))
    if not lookups or hits is None:
        return KINDS[provider], NO_DATA, None
    return KINDS[provider], percent(hits / lookups), hits / lookups


def _savings(run: Run, provider: Provider) -> tuple[str, ...]:
    moved = [
        run.answers.value("cache.bytes", provider=provider, direction=d) for d in (Direction.RECEIVED, Direction.SENT)
    ]
    kept = [run.answers.value("cache.stores", provider=provider, result=result) for result in CacheStore]
    return (
        KINDS[provider],
        whole(cache_lookups(run.answers, provider, *CACHE_HITS)),
        seconds(run.answers.value("cache.saved", provider=provider)),
        *map(_mib, moved),
        *map(whole, kept),
    )


def _mib(value: float | None) -> str:
    return NO_DATA if value is None else f"{value / MIB:,.2f} MiB"


def _room(run: Run) -> str:
    evicted = whole(run.answers.value("cache.evicted"))
    used, limit = _mib(run.answers.value("cache.memory")), _mib(run.answers.value("cache.limit"))
    return f"The cache used {used} at most, of {limit} that it may use, and forgot {evicted} entries to make room."


def _repeats(run: Run) -> Iterator[str]:
    """What the client knows: who asked first for an input, and who asked for it again."""
    first, repeated = first_asked(run.measured)
    if not repeated:
        return
    yield (
        "By the client, which knows the input of each job. A first one may have hits too: scripts of different inputs "
        "quote the same sentences of one document, and of two jobs under way at once either may be the one that calls."
    )
    rows = [_asked("first to ask for their input", first), _asked("asked for it again", repeated)]
    yield table(("Jobs that", "n", "Lookups", "Hits", "Hit rate", "Response time, P50"), rows, "lrrrrr")


def _asked(title: str, records: Sequence[JobRecord]) -> tuple[str, ...]:
    lookups = [lookup for record in records if record.timings for lookup in record.timings.lookups]
    hits = sum(lookup.result.saves_call for lookup in lookups)
    times = [record.response_seconds for record in records if record.response_seconds is not None]
    return (
        title,
        str(len(records)),
        str(len(lookups)),
        str(hits),
        percent(hits / len(lookups)) if lookups else NO_DATA,
        seconds(percentile(times, 0.5)) if times else NO_DATA,
    )


def _audit(run: Run, audit: dict[Provider, Audit]) -> list[str]:
    """The workers' account beside the mocks' own."""
    books = [entry for entry in run.result.books if entry.name.startswith(BOOKS)] if run.result else []
    rows = [_account(run, provider, found, books) for provider, found in audit.items()]
    wrong = [f"{entry.name}: {entry.parties}" for entry in books if not entry.passed]
    verdict = "Each of these counts is told alike by every party that keeps it." if books and not wrong else ""
    return [
        AUDIT,
        table(
            (
                *("Kind", "Wanted", "Asked", "Saved", "Hits by the workers", "Distinct", "Asked again"),
                *("Seconds saved by the workers", "Original calls", "Planned"),
            ),
            rows,
            "lrrrrrrrrr",
        ),
        *([verdict] if verdict else []),
        *(["What does not balance:", bullets(wrong)] if wrong else []),
    ]


def _account(run: Run, provider: Provider, found: Audit, books: Sequence[Entry]) -> tuple[str, ...]:
    wanted = next((entry.parties["client"] for entry in books if entry.name == f"cache lookups, {provider}"), None)
    asked = mock_calls(run.answers, provider)
    return (
        KINDS[provider],
        whole(wanted),
        whole(asked),
        NO_DATA if wanted is None or asked is None else whole(wanted - asked),
        whole(cache_lookups(run.answers, provider, *CACHE_HITS)),
        str(found.distinct),
        str(found.again) if found.again else NONE,
        seconds(run.answers.value("cache.saved", provider=provider)),
        seconds(found.original),
        seconds(found.planned),
    )
