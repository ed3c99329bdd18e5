"""The CPU time that a job costs, by who spends it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from contract.jobs import Outcome
from reporter.runs import Run

SERVICE = {
    "service": "front end",
    "worker": "workers",
    "parse": "parse",
    "assemble": "assemble",
    "exporter": "exporter",
}
"""The parts of the service itself, with their titles; parse and assemble run in processes of their own."""
RIG = {"measuring": "reading what processes use", "mocks": "mocked providers", "loadgen": "load generator"}
"""What the measuring costs on the same machine."""
TITLES = SERVICE | RIG


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds of CPU per completed job by part, of those parts that were measured."""

    parts: Mapping[str, float]

    @property
    def service(self) -> float:
        return math.fsum(self.parts.get(name, 0.0) for name in SERVICE)

    @property
    def rig(self) -> float:
        return math.fsum(self.parts.get(name, 0.0) for name in RIG)

    @property
    def whole(self) -> float:
        return math.fsum(self.parts.values())

    def largest(self) -> list[tuple[str, float]]:
        """Title and seconds of the service's parts, the largest first."""
        known = [(title, self.parts[name]) for name, title in SERVICE.items() if name in self.parts]
        return sorted(known, key=lambda part: -part[1])


def cost(run: Run) -> Cost | None:
    """From the growth of the processes' CPU counters between the two readings around the measured phase.

    None where no job completed, or where a process or a stage was not measured. Not counted: Redis, Prometheus, and
    what the processes of parse and assemble do outside of a job.
    """
    completed, spent = run.outcomes()[Outcome.COMPLETED], cpu_seconds(run)
    if not completed or spent is None:
        return None
    return Cost({name: seconds / completed for name, seconds in spent.items()})


def cpu_seconds(run: Run) -> Mapping[str, float] | None:
    """By part; None where a process or a stage of the service was not measured.

    What a process of the service spends on reading its own figures is the part "measuring": it hangs on how often it is
    asked, and not on jobs.
    """
    spent: dict[str, float] = {}
    for query, label in (("cpu.processes", "job"), ("cpu.stages", "stage")):
        for sample in run.answers.samples(query):
            if sample.value is not None and label in sample.labels:
                spent[sample.labels[label]] = spent.get(sample.labels[label], 0.0) + sample.value
    for sample in run.answers.samples("cpu.collecting"):
        job = sample.labels.get("job")
        if sample.value is not None and job in SERVICE and job in spent:
            spent[job] -= sample.value
            spent["measuring"] = spent.get("measuring", 0.0) + sample.value
    return spent if {"service", "worker", "parse", "assemble"} <= spent.keys() else None
