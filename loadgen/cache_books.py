"""The books of the cache: each hit is one that may be, each lookup is counted, and the mocks were asked for the rest.

Jobs that share no cache have no hits, but for two scenes of one job that ask for the same.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from contract.calls import CacheResult, CallKey, Provider
from contract.jobs import CacheLookup, JobOptions
from contract.runfolder import Entry, JobRecord
from loadgen.accounting import Account, Scope, compared
from loadgen.books import entry
from loadgen.providers import CallLedger

CLOSE = 0.001
"""Seconds by which sums of the same seconds may differ."""


@dataclass(frozen=True, slots=True)
class CacheCounted:
    """What Prometheus counted over the run, by provider; None where it tells nothing. `lost` are entries that the cache
    did not take, or forgot.
    """

    lookups: Mapping[str, int | None]
    hits: Mapping[str, int | None]
    saved: Mapping[str, float | None]
    mock_calls: Mapping[str, int | None]
    lost: int | None


class CacheBooks:
    def __init__(
        self,
        records: Sequence[JobRecord],
        ledger: CallLedger | None,
        scope: Scope,
        *,
        shared: bool = False,
        forgetful: bool = False,
    ) -> None:
        """`shared`: jobs share what was answered, as the scenario wants; `ledger` is the mocks' then.

        `forgetful`: the job ledger lost data, so what looks like a first execution may have had another before.
        """
        self._records = records
        self._ledger = ledger
        self._scope = scope
        self._shared = shared
        self._forgetful = forgetful

    def balance(self, counted: CacheCounted) -> Account:
        account = Account(unexplained=[] if self._forgetful else list(self._unexplained()))
        if self._scope is Scope.NOTHING:
            return account
        for provider in Provider:
            lookups = [lookup for lookup in self._lookups() if lookup.provider is provider]
            hits = [lookup for lookup in lookups if lookup.result.saves_call]
            name = f"cache hits, {provider}"
            account.entries.append(compared(self._scope, name, records=len(hits), workers=counted.hits.get(provider)))
            if self._shared and self._ledger and any(counted.lookups.values()):
                account.entries += self._audit(provider, lookups, counted)
                account.unexplained += _seconds(provider, hits, counted.saved.get(provider))
        return account

    def _lookups(self) -> Iterator[CacheLookup]:
        return (lookup for record in self._records if record.timings for lookup in record.timings.lookups)

    def _unexplained(self) -> Iterator[str]:
        """Hits for which no job that shares them has made the call."""
        everybodys = {_request(lookup) for lookup in self._lookups() if not lookup.result.saves_call}
        for record in self._records:
            lookups = record.timings.lookups if record.timings else []
            own = {_request(lookup) for lookup in lookups if not lookup.result.saves_call}
            for lookup in lookups:
                if lookup.result.saves_call and _request(lookup) not in (everybodys if self._shared else own):
                    whose = "no job of this run" if self._shared else "not the job itself"
                    yield (
                        f"the {lookup.provider} call of scene {lookup.scene} of the job {record.seed_key} was a hit, "
                        f"and {whose} had made it"
                    )

    def _audit(self, provider: Provider, lookups: Sequence[CacheLookup], counted: CacheCounted) -> list[Entry]:
        """The client knows what its jobs want, the mocks what they were asked for."""
        assert self._ledger
        calls = [CallKey.decode(note.key) for note in self._ledger.calls if note.provider is provider]
        asked = sum(key.attempt == 1 for key in calls)
        wanted = sum(1 if provider is Provider.LLM else JobOptions().scenes for record in self._records if record.id)
        hits = sum(lookup.result.saves_call for lookup in lookups)
        again = _again(lookups, counted.lost or 0)
        return [
            entry(
                f"cache lookups, {provider}",
                client=wanted,
                records=len(lookups),
                workers=counted.lookups.get(provider),
            ),
            entry(f"calls saved, {provider}", mocks=wanted - asked, records=hits, workers=counted.hits.get(provider)),
            entry(f"calls made, {provider}", mocks=len(calls), mock_metrics=counted.mock_calls.get(provider)),
            entry(
                f"distinct requests, {provider}",
                records=len({lookup.request for lookup in lookups}),
                mocks=asked - again,
            ),
        ]


def _request(lookup: CacheLookup) -> tuple[Provider, str]:
    return lookup.provider, lookup.request


def _again(lookups: Sequence[CacheLookup], lost: int) -> int:
    """Misses beyond the first of a request that something explains: what went wrong with them, or an entry lost."""
    misses = Counter(lookup.request for lookup in lookups if not lookup.result.saves_call)
    plain = Counter(lookup.request for lookup in lookups if lookup.result is CacheResult.MISS)
    unexplained = sum(n - 1 for n in plain.values())
    return sum(n - 1 for n in misses.values()) - max(0, unexplained - lost)


def _seconds(provider: Provider, hits: Sequence[CacheLookup], counted: float | None) -> Iterator[str]:
    told = sum(hit.saved for hit in hits)
    if counted is None or abs(told - counted) > CLOSE:
        found = "nothing" if counted is None else f"{counted:.3f} s"
        yield f"the hits of {provider} calls saved {told:.3f} s by the records, and {found} by the workers"
