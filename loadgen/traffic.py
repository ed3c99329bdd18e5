"""The books of bytes and usage: what the workers sent the mocks received, and the other way round.

Payload and usage agree exactly, bytes on the wire to 2 %: the end of a stream counts where it is received. A call that
got no answer (its time was over, its job was cancelled) leaves bytes that one end counted and the other never saw: then
one side may only not exceed the other.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from contract.calls import CallResult, Provider, UsageUnit
from contract.catalogue import Direction
from contract.jobs import Outcome
from contract.runfolder import Entry, JobRecord
from loadgen.books import entry

WIRE_TOLERANCE = 0.02
UNANSWERED = (CallResult.TIMEOUT, CallResult.REFUSED, CallResult.OUT_OF_TIME, CallResult.CANCELLED)


class Pair(NamedTuple):
    """The same growth at both ends; None where one tells nothing."""

    workers: int | None
    mocks: int | None


@dataclass(frozen=True, slots=True)
class Traffic:
    """By provider and direction as the worker sees it. `unanswered`: providers of which a call got no answer; `untold`:
    those of which an answer did not tell the worker its usage.
    """

    payload: Mapping[tuple[Provider, Direction], Pair]
    wire: Mapping[tuple[Provider, Direction], Pair]
    usage: Mapping[tuple[Provider, UsageUnit], Pair]
    unanswered: Collection[Provider]
    untold: Collection[Provider]


def mocked(records: Sequence[JobRecord]) -> set[Provider]:
    """Providers that told what they had planned, as no real one does."""
    calls = [call for record in records if record.timings for call in record.timings.calls]
    return {call.provider for call in calls if call.planned is not None}


def comparable(records: Sequence[JobRecord]) -> bool:
    """Whether all work had ended when the ends were read: an execution that lost its job may go on for a while."""
    return all(record.executions in {None, 1} and record.outcome is not Outcome.CANCELLED for record in records)


def balance_traffic(traffic: Traffic) -> list[Entry]:
    """Of mocked providers, in a run whose work is `comparable` and that killed no process: it would have taken along
    what it counted.
    """
    entries = []
    for (provider, direction), pair in traffic.payload.items():
        name = f"payload bytes, {provider} {direction}"
        if provider not in traffic.unanswered:
            entries.append(entry(name, workers=pair.workers, mocks=pair.mocks))
        elif direction is Direction.SENT:
            entries.append(_at_most(name, mocks=pair.mocks, workers=pair.workers))
        else:
            entries.append(_at_most(name, workers=pair.workers, mocks=pair.mocks))
    entries += [
        _close(f"wire bytes, {provider} {direction}", pair)
        for (provider, direction), pair in traffic.wire.items()
        if provider not in traffic.unanswered and pair != Pair(None, None)  # a kernel that does not count them
    ]
    for (provider, unit), pair in traffic.usage.items():
        compare = _at_most if provider in {*traffic.unanswered, *traffic.untold} else entry
        entries.append(compare(f"usage, {provider} {unit}", workers=pair.workers, mocks=pair.mocks))
    return entries


def _at_most(name: str, **parties: int | None) -> Entry:
    """The first party tells no more than the second."""
    first, second = parties.values()
    passed = first is not None and second is not None and first <= second
    return Entry(name=f"{name}, at most", parties=parties, passed=passed)


def _close(name: str, pair: Pair) -> Entry:
    found = entry(f"{name}, within {100 * WIRE_TOLERANCE:g} %", workers=pair.workers, mocks=pair.mocks)
    if pair.workers is None or pair.mocks is None:
        return found
    close = abs(pair.workers - pair.mocks) <= WIRE_TOLERANCE * max(pair.workers, pair.mocks)
    return found.model_copy(update={"passed": close})
