"""The figures of one load: what came out, what it took, and what limits it."""

from collections.abc import Sequence
from dataclasses import dataclass

from reporter.breakdown import OVERHEAD_TITLES, breakdowns
from reporter.cost import Cost, cost
from reporter.indicators import indicators
from reporter.runs import Run, moments
from reporter.stamp import success_interval, successes_of
from reporter.statistics import Percentile, Summary, percentile, supported_percentile


@dataclass(frozen=True, slots=True)
class Overhead:
    """Medians over the completed jobs, in seconds; medians of parts need not sum to the median of the whole."""

    overhead: float
    critical: float
    response: float
    part: str
    """The title of the part with the largest median."""
    part_seconds: float


@dataclass(frozen=True, slots=True)
class Rung:
    """None is "no data". Times in seconds; `busy` is the share of the whole machine in use, by whomever."""

    run: Run
    throughput: float | None
    response: Summary | None
    p50: Percentile | None
    p95: Percentile | None
    successes: tuple[int, int]
    interval: tuple[float, float] | None
    cost: Cost | None
    busy: float | None
    queue_wait: float | None
    overhead: Overhead | None

    @property
    def load(self) -> str:
        return self.run.load_text

    @property
    def users(self) -> int | None:
        return self.run.info.concurrency

    @property
    def offered(self) -> float | None:
        """The load as a number: users of a closed loop, jobs per second of an open one."""
        return self.users if self.users is not None else self.run.info.rate

    @property
    def cores(self) -> int | None:
        """Of the machine."""
        found = self.run.info.machine.get("cores")
        return found if isinstance(found, int) and found > 0 else None

    @property
    def slots(self) -> int | None:
        """Jobs that all workers together may run at once."""
        workers, slots = (self.run.info.workload.get(name) for name in ("workers", "slots"))
        return workers * slots if isinstance(workers, int) and isinstance(slots, int) else None

    @property
    def in_flight(self) -> float | None:
        """Jobs in the system on average, by Little's law: throughput × mean response time."""
        if self.throughput is None or self.response is None:
            return None
        return self.throughput * self.response.mean

    @property
    def cores_used(self) -> float | None:
        """By our processes while jobs were under way: CPU time per completed job × throughput."""
        if self.cost is None or self.throughput is None:
            return None
        return self.cost.whole * self.throughput

    @property
    def used_by_others(self) -> float | None:
        """Share of the machine in use that is not our processes': Redis, Prometheus, the kernel, other programs."""
        if self.busy is None or self.cores is None or self.cores_used is None:
            return None
        return max(0.0, self.busy - self.cores_used / self.cores)


def rung(run: Run) -> Rung:
    """Of a run without rungs of its own."""
    waits = [when.started - when.accepted for job in run.measured if (when := moments(job))]
    return Rung(
        run=run,
        throughput=indicators(run)["throughput"].value,
        response=Summary.of(run.responses),
        p50=supported_percentile(run.responses, 0.5),
        p95=supported_percentile(run.responses, 0.95),
        successes=successes_of(run),
        interval=success_interval(run),
        cost=cost(run),
        busy=run.info.machine_busy,
        queue_wait=percentile(waits, 0.5) if waits else None,
        overhead=_overhead(run),
    )


def ladder(run: Run) -> Sequence[Rung]:
    return [rung(part) for part in run.parts]


def _overhead(run: Run) -> Overhead | None:
    found = breakdowns(run.measured)
    if not found:
        return None
    parts = {title: percentile([job.overhead[name] for job in found], 0.5) for name, title in OVERHEAD_TITLES.items()}
    largest = max(parts, key=lambda title: parts[title])
    return Overhead(
        overhead=percentile([job.overhead_seconds for job in found], 0.5),
        critical=percentile([job.critical_seconds for job in found], 0.5),
        response=percentile([job.response for job in found], 0.5),
        part=largest,
        part_seconds=parts[largest],
    )
