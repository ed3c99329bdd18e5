"""What our processes hold in memory: at rest, at the peak of a load, and whether it grows with their jobs."""

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean, linear_regression

from contract.catalogue import Part
from reporter.answers import Sample
from reporter.indicator import Indicator
from reporter.runs import Run
from reporter.statistics import CONFIDENCE

SERVICE = ("service", "worker", "exporter")
"""The processes of the service; the mocks and the load generator are the rig that measures it."""
ITERATIONS = 20
"""Jobs over which a growth is judged."""
FEWEST = 6
"""Readings after different numbers of jobs, below which nothing is said of a growth."""
CLEAR = 0.01
"""Share of the start within `ITERATIONS` jobs that the lower end of a slope must make to be worth a word."""
MOST_ALIKE = 0.95
"""Highest correlation between neighbouring readings that the interval is widened for."""
MOST_POINTS = 400
"""Numbers of jobs that a slope is taken over; of more, the lowest reading of each stretch."""

Readings = Sequence[tuple[float, float]]
"""(Unix seconds, value), in order of time."""


@dataclass(frozen=True, slots=True)
class Growth:
    """Of one process's unique memory with the jobs done, in bytes per job; `low` and `high` bound its 95 % interval.

    `n` readings after different numbers of jobs, `jobs` between the first and the last, `start` bytes at the first.
    """

    process: str
    n: int
    jobs: float
    start: float
    slope: float
    low: float
    high: float

    def share(self, slope: float) -> float:
        """What this slope makes of the start within `ITERATIONS` jobs, as a share of it; of no start, infinite."""
        return slope * ITERATIONS / self.start if self.start else math.inf

    @property
    def worst(self) -> float:
        return self.share(self.high)


def growth(process: str, points: Sequence[tuple[float, float]]) -> Growth | None:
    """The Theil–Sen slope (Sen, JASA 63, 1968) of (jobs done, bytes) with its 95 % interval.

    Of several readings after the same number of jobs the lowest counts: what a job holds while it runs is no leak.
    Neighbouring readings are alike, which the interval of Sen does not know; it is widened by √((1+r)/(1−r)) (Bayley
    and Hammersley, JRSS supplement 8, 1946), where r is the lag-1 correlation of the residuals less its bias, about
    −(2+4r)/n beside a fitted line (Kendall, Biometrika 41, 1954). None where readings after fewer than `FEWEST` numbers
    of jobs are there.
    """
    lowest = _lowest(points)
    done = sorted(lowest)
    if len(done) < FEWEST:
        return None
    from scipy.stats import theilslopes  # noqa: PLC0415 - takes half a second, which `--help` should not pay

    sizes = [lowest[jobs] for jobs in done]
    slope, intercept, low, high = theilslopes(sizes, done, alpha=CONFIDENCE)
    residuals = [size - intercept - slope * jobs for jobs, size in zip(done, sizes, strict=True)]
    n = len(done)
    alike = min(MOST_ALIKE, max(0.0, (n * _correlation(residuals) + 2) / (n - 4)))
    wider = math.sqrt((1 + alike) / (1 - alike))
    return Growth(
        process,
        len(done),
        done[-1] - done[0],
        sizes[0],
        float(slope),
        float(slope - wider * (slope - low)),
        float(slope + wider * (high - slope)),
    )


def _lowest(points: Sequence[tuple[float, float]]) -> dict[float, float]:
    """The lowest size by number of jobs; of more than `MOST_POINTS` of these, one of each stretch of as many jobs."""
    lowest: dict[float, float] = {}
    for jobs, size in points:
        lowest[jobs] = min(size, lowest.get(jobs, math.inf))
    if len(lowest) <= MOST_POINTS:
        return lowest
    first, stretch = min(lowest), (max(lowest) - min(lowest)) / MOST_POINTS
    best: dict[int, tuple[float, float]] = {}
    for jobs, size in lowest.items():
        place = int((jobs - first) / stretch)
        best[place] = min((size, jobs), best.get(place, (math.inf, jobs)))
    return {jobs: size for size, jobs in best.values()}


def _correlation(values: Sequence[float]) -> float:
    """Between each value and the next."""
    middle = fmean(values)
    spread = sum((value - middle) ** 2 for value in values)
    if spread == 0:
        return 0.0
    return sum((one - middle) * (following - middle) for one, following in pairwise(values)) / spread


def growths(run: Run) -> list[Growth]:
    """Of each process of the service that did jobs enough, the worst first: of a worker with the jobs that it did
    itself, of the others with those of the whole service. The processes that a worker started count as one.
    """
    finished = _summed(run.answers.samples("series.finished"))
    found = []
    for sample in _ours(run):
        instance = sample.labels.get("instance", "")
        worker = sample.labels["job"] == "worker"
        done = _summed(run.answers.samples("series.executions", instance=instance)) if worker else finished
        points = [(jobs, size) for when, size in _known(sample) if (jobs := _at(done, when)) is not None]
        one = growth(title(sample.labels), points)
        if one is not None:
            found.append(one)
    return sorted(found, key=lambda one: -one.worst)


def leak(run: Run) -> Indicator:
    """The upper end of the 95 % interval of the growth over 20 jobs, as a share of the start, of the worst process.

    No data where no worker did jobs enough.
    """
    found = growths(run)
    if not any(one.process.startswith("worker") for one in found):
        return Indicator(None, 0)
    worst = found[0]
    return Indicator(
        worst.worst,
        worst.n,
        f"{worst.process}: {worst.slope / 1e3:+,.1f} kB per job, 95 % interval {worst.low / 1e3:+,.1f} to "
        f"{worst.high / 1e3:+,.1f}, from {worst.start / 1e6:.1f} MB, over {worst.jobs:.0f} jobs; the worst of "
        f"{len(found)} processes",
    )


@dataclass(frozen=True, slots=True)
class Footprint:
    """Bytes of unique memory of the service's processes together, at rest and at the highest reading of a load."""

    rest: float
    peak: float
    in_flight: float

    @property
    def per_job(self) -> float:
        return (self.peak - self.rest) / self.in_flight


def footprint(run: Run) -> Footprint | None:
    """None where a process was not measured at rest, or no job was in flight."""
    resting = {title(one.labels): one.value for one in run.answers.samples("memory.idle")}
    series = {title(sample.labels): _known(sample) for sample in _ours(run)}
    rest = [resting.get(process) for process in series]
    known = [size for size in rest if size is not None]
    in_flight = run.info.concurrency or most_in_flight(run)
    if not series or len(known) < len(rest) or not in_flight:
        return None
    return Footprint(sum(known), max(size for _, size in together(series)), in_flight)


def together(series: Mapping[str, Readings]) -> list[tuple[float, float]]:
    """The sum of the newest readings of all, from when each has one."""
    times = sorted({when for readings in series.values() for when, _ in readings})
    sums = [(when, [_at(readings, when) for readings in series.values()]) for when in times]
    return [(when, sum(filter(None, sizes))) for when, sizes in sums if None not in sizes]


@dataclass(frozen=True, slots=True)
class Marginal:
    """What a job more in flight adds to the peak of the service's memory, from loads of different size."""

    per_job: float
    loads: int
    fewest: float
    most: float


def marginal(prints: Sequence[Footprint]) -> Marginal | None:
    """By least squares; None of fewer than three numbers of jobs in flight."""
    flights = [one.in_flight for one in prints]
    if len(set(flights)) < 3:
        return None
    slope = linear_regression(flights, [one.peak for one in prints]).slope
    return Marginal(slope, len(prints), min(flights), max(flights))


def most_in_flight(run: Run) -> float | None:
    """Jobs queued or in progress, at the highest reading."""
    readings = _summed(run.answers.samples("series.backlog"))
    return max((jobs for _, jobs in readings), default=None)


def memory_per_job(run: Run) -> Indicator:
    """Growth of the service's memory from rest to the peak of the load, per job in flight; bytes.

    Each process rests at its lowest reading in the hour before. In flight are the users of a closed loop, else as many
    as at the highest reading.
    """
    found = footprint(run)
    if found is None:
        return Indicator(None, 0)
    return Indicator(
        found.per_job,
        None,
        f"{found.peak / 1e6:.1f} MB at the peak, {found.rest / 1e6:.1f} MB at rest, {found.in_flight:g} in flight",
    )


def series(run: Run) -> dict[str, Readings]:
    """Unique bytes of each process of the service, by its title."""
    return {title(sample.labels): _known(sample) for sample in _ours(run)}


def resident(run: Run) -> dict[str, float | None]:
    """The highest reading of each process, by its title; bytes."""
    return {title(one.labels): one.value for one in run.answers.samples("memory.resident")}


def limits(run: Run) -> dict[str, float]:
    """Of the control group of each process that is in one with a memory limit; bytes."""
    return {title(one.labels): one.value for one in run.answers.samples("memory.limits") if one.value is not None}


def title(labels: Mapping[str, str]) -> str:
    """How tables call a process, or those that it started."""
    instance = labels.get("instance", "?")
    return f"{instance}, its children" if labels.get("part") == Part.CHILDREN else instance


def _ours(run: Run) -> list[Sample]:
    found = [one for one in run.answers.samples("series.memory") if one.labels.get("job") in SERVICE]
    return sorted(found, key=lambda one: (SERVICE.index(one.labels["job"]), title(one.labels)))


def _known(sample: Sample) -> list[tuple[float, float]]:
    return [(when, value) for when, value in sample.points if value is not None]


def _summed(samples: Sequence[Sample]) -> list[tuple[float, float]]:
    """The sum of several series of one process, which are all read in the same instant."""
    sums: dict[float, float] = {}
    for sample in samples:
        for when, value in _known(sample):
            sums[when] = sums.get(when, 0.0) + value
    return sorted(sums.items())


def _at(readings: Readings, when: float) -> float | None:
    """The newest at that time."""
    place = bisect_right(readings, when, key=lambda reading: reading[0])
    return readings[place - 1][1] if place else None
