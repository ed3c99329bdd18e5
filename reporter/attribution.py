"""Where a job's response time went along its critical path, by what was lived and not by what was planned."""

import math
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import accumulate, pairwise

from contract.calls import CallResult, Provider, WaitCause
from contract.jobs import CacheLookup, CallTiming, CallWait, Outcome, Stage, Timings
from contract.runfolder import JobRecord
from reporter.breakdown import stage_seconds
from reporter.runs import Moments, Run, moments

TITLES = {
    "submit": "submit: due to accepted",
    "queue": "queue: to be picked up, slots free",
    "slot": "slot: all slots busy",
    "earlier": "earlier executions",
    "parse": "parse",
    "llm": "LLM, the good attempt",
    "scene": "straggling scene, the good attempt",
    "retry": "retry: failed attempts and backoff",
    "breaker": "breaker: waiting for it",
    "cache": "cache: lookup, another job's call",
    "gaps": "between attempts, no wait recorded",
    "script": "script, the worker's own",
    "scenes": "scenes, the worker's own",
    "assemble": "assemble",
    "publish": "publish",
    "between": "between stages",
    "notify": "notify: ended to client",
}

TOLERANCE = 0.001
"""Seconds. The start of a call is read from another clock than its length."""

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Chain:
    """All that was done for one provider and scene, one after the other: a lookup, attempts, and waits for them."""

    provider: Provider
    scene: int
    calls: Sequence[CallTiming]
    waits: Sequence[CallWait]
    lookups: Sequence[CacheLookup]

    @property
    def spans(self) -> list[Interval]:
        """Attempts and waits, in Unix time."""
        timed: list[CallTiming | CallWait] = [*self.calls, *self.waits]
        return [(one.start, one.start + one.seconds) for one in timed]

    def end(self, begun: float) -> float:
        """Unix time. A lookup without a call began with its stage, at `begun`."""
        asked = begun + math.fsum(lookup.seconds for lookup in self.lookups)
        return max((asked, *(end for _, end in self.spans)))

    @property
    def good(self) -> CallTiming | None:
        """The attempt that brought the answer; where a record does not say how attempts ended, the last."""
        last = max(self.calls, key=lambda call: call.attempt, default=None)
        return last if last is not None and last.result in (CallResult.OK, None) else None


@dataclass(frozen=True, slots=True)
class Attribution:
    """Seconds by part, all names of TITLES, which sum to the response time. `full` are the times, in Unix seconds, in
    which the job waited for a slot; `critical` the chains that its script and its scenes waited for.
    """

    record: JobRecord
    when: Moments
    parts: Mapping[str, float]
    full: Sequence[Interval]
    critical: Mapping[Stage, Chain]

    @property
    def response(self) -> float:
        return self.when.response_seconds

    @property
    def contradictory(self) -> bool:
        """Whether what the record says happened within a stage, or within the job, is longer than that was."""
        inner = ("earlier", "gaps", "script", "scenes", "between")
        return any(self.parts[name] < -TOLERANCE for name in inner)


class Occupancy:
    """When all slots of all workers were busy, by the ledger: from the claim of an execution to its end, be its worker
    alive or not. A job whose end nobody saw is busy for good.
    """

    def __init__(self, records: Iterable[JobRecord], slots: int) -> None:
        """`records` are those of all phases. O(n log n)."""
        # of two changes at one moment the end comes first: the slot went from one job to the other
        changes = sorted(change for record in records for span in _executions(record) for change in _ends(span))
        running = accumulate(step for _, step in changes)
        self._full: list[Interval] = []
        for busy, ((since, _), (until, _)) in zip(running, pairwise([*changes, (math.inf, 0)]), strict=True):
            if busy >= slots and until > since:
                whole = self._full.pop()[0] if self._full and self._full[-1][1] == since else since
                self._full.append((whole, until))
        self._ends = [end for _, end in self._full]

    def full(self, start: float, end: float) -> list[Interval]:
        """The times between `start` and `end` in which no slot was free, in order."""
        found = []
        for since, until in self._full[bisect_right(self._ends, start) :]:
            if since >= end:
                break
            found.append((max(since, start), min(until, end)))
        return found


def capacity(run: Run) -> int | None:
    """Slots of all workers together; None of a target that is not ours, of which they are unknown."""
    workers, slots = run.info.workload.get("workers"), run.info.workload.get("slots")
    return None if run.info.foreign or workers is None or slots is None else int(workers) * int(slots)


def attributions(run: Run) -> list[Attribution]:
    """Of the measured jobs that were done, whole or in part, and whose record tells all moments and stages."""
    found = []
    for part in run.parts:
        slots = capacity(part)
        occupancy = Occupancy(part.jobs, slots) if slots is not None else None
        found += [one for record in part.measured if (one := attribution(record, occupancy)) is not None]
    return found


def attribution(record: JobRecord, occupancy: Occupancy | None) -> Attribution | None:
    """None for a job that was not done or of which a moment or a stage is unknown. Without `occupancy` nothing is known
    of slots, and waiting for one is part of `queue`.

    Each share lies within one interval and the rest of that interval is a part of its own: from due to the claim, each
    stage, and from the claim to the end. Of these only `submit` and `notify` span two clocks, and `notify` is what the
    response time, by a monotonic clock, leaves.
    """
    when, stages = moments(record), stage_seconds(record)
    if when is None or stages is None or record.timings is None:
        return None
    if record.outcome not in (Outcome.COMPLETED, Outcome.PARTIAL):
        return None
    first = min((one.started_at for one in record.history), default=when.started)
    full = occupancy.full(when.accepted, first) if occupancy else []
    critical = _critical(record.timings)
    parts = dict.fromkeys(TITLES, 0.0)
    parts["submit"] = when.accepted - when.due
    parts["slot"] = math.fsum(end - start for start, end in full)
    parts["queue"] = first - when.accepted - parts["slot"]
    parts["earlier"] = when.started - first
    for stage in (Stage.PARSE, Stage.ASSEMBLE, Stage.PUBLISH):
        parts[stage] = stages[stage]
    for stage, good in ((Stage.SCRIPT, "llm"), (Stage.SCENES, "scene")):
        inside = _shares(critical[stage], good) if stage in critical else {}
        for name, seconds in inside.items():
            parts[name] += seconds
        parts[stage] = stages[stage] - math.fsum(inside.values())
    parts["between"] = when.finished - when.started - math.fsum(stages.values())
    parts["notify"] = when.response_seconds - math.fsum(parts.values())
    return Attribution(record, when, parts, full, critical)


def chains(timings: Timings, stage: Stage) -> list[Chain]:
    """Those of the script or of the scenes, by scene and provider."""
    asked = (Provider.LLM,) if stage is Stage.SCRIPT else (Provider.TTS, Provider.VISUAL)
    told: list[CallTiming | CallWait | CacheLookup] = [*timings.calls, *timings.waits, *timings.lookups]
    keys = sorted({(one.scene, one.provider) for one in told if one.provider in asked})
    return [
        Chain(
            provider,
            scene,
            [call for call in timings.calls if (call.scene, call.provider) == (scene, provider)],
            [wait for wait in timings.waits if (wait.scene, wait.provider) == (scene, provider)],
            [lookup for lookup in timings.lookups if (lookup.scene, lookup.provider) == (scene, provider)],
        )
        for scene, provider in keys
    ]


def _critical(timings: Timings) -> dict[Stage, Chain]:
    """Of the script and of the scenes the chain that ended last; none where nobody was asked."""
    starts = {timing.stage: timing.start for timing in timings.stages}
    return {
        stage: max(found, key=partial(Chain.end, begun=starts[stage]))
        for stage in (Stage.SCRIPT, Stage.SCENES)
        if (found := chains(timings, stage))
    }


def _shares(chain: Chain, good: str) -> dict[str, float]:
    """The seconds of a chain by part."""
    spent = chain.good.seconds if chain.good else 0.0
    failed = [call.seconds for call in chain.calls if call is not chain.good]
    refused = [wait.seconds for wait in chain.waits if wait.cause is WaitCause.BREAKER]
    backoff = [wait.seconds for wait in chain.waits if wait.cause is not WaitCause.BREAKER]
    spans = chain.spans
    whole = max(end for _, end in spans) - min(start for start, _ in spans) if spans else 0.0
    return {
        good: spent,
        "retry": math.fsum((*failed, *backoff)),
        "breaker": math.fsum(refused),
        "cache": math.fsum(lookup.seconds for lookup in chain.lookups),
        "gaps": whole - math.fsum(end - start for start, end in spans),
    }


def _executions(record: JobRecord) -> list[Interval]:
    past = [(one.started_at, one.ended_at) for one in record.history]
    if record.started is None:
        return past
    return [*past, (record.started, math.inf if record.finished is None else record.finished)]


def _ends(span: Interval) -> tuple[tuple[float, int], tuple[float, int]]:
    return (span[0], 1), (span[1], -1)
