"""The CPU time that our processes use, as a share of what they may, and what reading it costs."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from contract.catalogue import Phase
from reporter.indicator import Indicator
from reporter.memory import SERVICE, title
from reporter.runs import Run
from reporter.statistics import highest_bucket, sample_floor


@dataclass(frozen=True, slots=True)
class Spent:
    """CPU seconds of one process, or of those that it started, within a run's window; `measuring` of them went into
    reading these figures, mostly in the kernel.
    """

    process: str
    job: str
    user: float
    system: float
    measuring: float

    @property
    def whole(self) -> float:
        return self.user + self.system

    @property
    def system_share(self) -> float:
        """Of what it did beside measuring."""
        work = self.whole - self.measuring
        return max(0.0, self.system - self.measuring) / work if work > 0 else 0.0

    @property
    def ours(self) -> bool:
        """Of the service, and not of the rig that measures it."""
        return self.job in SERVICE


def spent(run: Run) -> list[Spent]:
    """By process, the service's first."""
    found: dict[str, tuple[str, dict[str, float]]] = {}
    for sample in run.answers.samples("cpu.modes"):
        if sample.value is not None:
            _, modes = found.setdefault(title(sample.labels), (sample.labels.get("job", "?"), {}))
            modes[sample.labels.get("mode", "?")] = sample.value
    every = [
        Spent(
            process,
            job,
            modes.get("user", 0.0),
            modes.get("system", 0.0),
            counted(run, "cpu.collecting", process) or 0.0,
        )
        for process, (job, modes) in found.items()
    ]
    return sorted(every, key=lambda one: (not one.ours, one.process))


def cores(run: Run) -> float | None:
    """How many the service's processes may use: the most that any of them may."""
    return max(
        (one.value for one in run.answers.samples("process.cores") if one.value and one.labels.get("job") in SERVICE),
        default=None,
    )


def measured_seconds(run: Run) -> float | None:
    return next(
        (span.end - span.start for span in run.info.phases if span.name is Phase.MEASURE and span.end is not None), None
    )


@dataclass(frozen=True, slots=True)
class Lag:
    """Of the event loops of one kind of process, in seconds, by PromQL. `high` is the P99; of too small a sample,
    a bound of the maximum.
    """

    n: float
    p50: float | None
    high: float | None

    @property
    def supported(self) -> bool:
        return self.n >= sample_floor(0.99)


def lags(run: Run) -> dict[str, Lag]:
    """By kind of process, where the loops were looked at."""
    return {
        job: Lag(n, run.answers.value("loop.p50", job=job), _high(run, job, n))
        for job in run.answers.label_values("loop.n", "job")
        if (n := run.answers.value("loop.n", job=job))
    }


def _high(run: Run, job: str, n: float) -> float | None:
    if n >= sample_floor(0.99):
        return run.answers.value("loop.p99", job=job)
    bucket = highest_bucket(run.answers.buckets("loop.buckets", job=job))
    return None if bucket is None or not math.isfinite(bucket.high) else bucket.high


def counted(run: Run, query: str, process: str, **labels: str) -> float | None:
    """The sum of a count of one process, or of those that it started; None where there is none."""
    found = [one.value for one in run.answers.samples(query, **labels) if title(one.labels) == process]
    known = [value for value in found if value is not None]
    return math.fsum(known) if known else None


def cpu_utilisation(run: Run) -> Indicator:
    """CPU time of the service's processes over the measured phase × the cores that they may use. What they did in the
    seconds around it, between the two readings, is in it, so it is no less than it was.
    """
    every, available, seconds = spent(run), cores(run), measured_seconds(run)
    ours = [one.whole for one in every if one.ours]
    if not ours or not available or not seconds:
        return Indicator(None, 0)
    whole = math.fsum(one.whole for one in every) / (seconds * available)
    return Indicator(
        math.fsum(ours) / (seconds * available),
        None,
        f"of {available:g} cores; {100 * whole:.1f} % with the mocked providers and the load generator",
    )


def collecting_cost(run: Run) -> Indicator:
    """Of a core, that the process which needs most for it spends on reading what it uses."""
    costs: Mapping[str, float] = {
        title(one.labels): one.value for one in run.answers.samples("cpu.collecting") if one.value is not None
    }
    window = run.info.window
    if not costs or window is None or window.end <= window.start:
        return Indicator(None, 0)
    most = max(costs, key=lambda process: costs[process])
    return Indicator(costs[most] / (window.end - window.start), len(costs), f"{most}, the most of {len(costs)}")
