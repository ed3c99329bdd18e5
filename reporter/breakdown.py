"""Where a job's time went: the critical path that the workload sets, and what was added to it."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from contract.calls import Provider
from contract.jobs import CallTiming, Outcome, Stage
from contract.runfolder import JobRecord
from reporter.runs import moments
from reporter.statistics import at_percentile

CRITICAL_TITLES = {
    "llm": "LLM, planned",
    "scenes": "slowest scene, planned",
    "parse_cpu": "parse, CPU",
    "assemble_cpu": "assemble, CPU",
}
OVERHEAD_TITLES = {
    "submit": "submit: due to accepted",
    "queue": "queue: accepted to started",
    "parse": "parse, beyond its CPU",
    "script": "script, beyond the LLM's plan",
    "scenes": "scenes, beyond the slowest plan",
    "assemble": "assemble, beyond its CPU",
    "publish": "publish",
    "between": "between stages",
    "notify": "notify: ended to client",
}


@dataclass(frozen=True, slots=True)
class Breakdown:
    """Seconds. `critical` and `overhead` hold the parts by name; `overhead` sums to response − critical path."""

    response: float
    critical: Mapping[str, float]
    overhead: Mapping[str, float]

    @property
    def critical_seconds(self) -> float:
        return math.fsum(self.critical.values())

    @property
    def overhead_seconds(self) -> float:
        return self.response - self.critical_seconds


def breakdown(record: JobRecord) -> Breakdown | None:
    """The parts of a completed job; None for one that ended otherwise or where a latency or a CPU time is unknown.

    Critical path: planned LLM + max over scenes of max(TTS, visual) planned + CPU of parse and assemble. The client's
    clock and Redis's need not agree to the millisecond, and the response time is taken on a monotonic one: what is
    left over goes to `notify`, so that the parts sum to the overhead.
    """
    stages, critical, when = stage_seconds(record), _critical(record), moments(record)
    if stages is None or critical is None or when is None or record.outcome is not Outcome.COMPLETED:
        return None
    parts = {
        "submit": when.accepted - when.due,
        "queue": when.started - when.accepted,
        "parse": stages[Stage.PARSE] - critical["parse_cpu"],
        "script": stages[Stage.SCRIPT] - critical["llm"],
        "scenes": stages[Stage.SCENES] - critical["scenes"],
        "assemble": stages[Stage.ASSEMBLE] - critical["assemble_cpu"],
        "publish": stages[Stage.PUBLISH],
        "between": when.finished - when.started - math.fsum(stages.values()),
    }
    overhead = when.response_seconds - math.fsum(critical.values())
    parts["notify"] = overhead - math.fsum(parts.values())
    return Breakdown(when.response_seconds, critical, parts)


def breakdowns(records: Iterable[JobRecord]) -> list[Breakdown]:
    return [found for record in records if (found := breakdown(record)) is not None]


def median_breakdown(found: Sequence[Breakdown]) -> Breakdown:
    """Of the job whose response time is the median. Raises ValueError without any."""
    return at_percentile(found, 0.5, lambda job: job.response)


def stage_seconds(record: JobRecord) -> dict[Stage, float] | None:
    """The length of each stage of the execution that ended the job; None unless all of them ran."""
    if record.timings is None:
        return None
    found = {timing.stage: timing.seconds for timing in record.timings.stages}
    return found if len(found) == len(Stage) else None


def _critical(record: JobRecord) -> dict[str, float] | None:
    if record.timings is None:
        return None
    cpu = {timing.stage: timing.cpu for timing in record.timings.stages}
    llm = _slowest_plan(record.timings.calls, {Provider.LLM})
    scenes = _slowest_plan(record.timings.calls, {Provider.TTS, Provider.VISUAL})
    parts = {
        "llm": llm,
        "scenes": scenes,
        "parse_cpu": cpu.get(Stage.PARSE),
        "assemble_cpu": cpu.get(Stage.ASSEMBLE),
    }
    known = {name: value for name, value in parts.items() if value is not None}
    return known if len(known) == len(parts) else None


def _slowest_plan(calls: Iterable[CallTiming], providers: set[Provider]) -> float | None:
    """The longest planned latency among the last attempts; None where one is unknown or none was made.

    An attempt before the last failed, and its time is overhead.
    """
    last: dict[tuple[Provider, int], CallTiming] = {}
    for call in calls:
        known = last.get((call.provider, call.scene))
        if call.provider in providers and (known is None or call.attempt >= known.attempt):
            last[call.provider, call.scene] = call
    plans = [call.planned for call in last.values()]
    known_plans = [plan for plan in plans if plan is not None]
    return max(known_plans) if known_plans and len(known_plans) == len(plans) else None
