"""What runs are compared by: figures of several runs at once, from their pooled jobs or sums."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import fmean

from contract.calls import CallResult
from contract.jobs import Outcome, Stage
from reporter.breakdown import breakdown, stage_seconds
from reporter.cost import cost
from reporter.network import traffic
from reporter.pricing import bill, load_prices, price_file
from reporter.runs import Run, moments
from reporter.statistics import percentile
from reporter.statistics import total as known_total

OK = CallResult.OK
DONE = (Outcome.COMPLETED, Outcome.PARTIAL)


class Better(StrEnum):
    LOWER = "lower"
    HIGHER = "higher"


@dataclass(frozen=True, slots=True)
class JobMeasure:
    """A figure of the jobs of all runs together. `of_jobs` are a run's, by seed key; those without a value are left
    out.
    """

    name: str
    title: str
    unit: str
    of_jobs: Callable[[Run], Mapping[str, float]]
    figure: Callable[[Sequence[float]], float] = fmean
    better: Better = Better.LOWER


@dataclass(frozen=True, slots=True)
class SumMeasure:
    """A ratio of two sums over all runs; `of_run` gives both of one, None where either is unknown."""

    name: str
    title: str
    unit: str
    better: Better
    of_run: Callable[[Run], tuple[float, float] | None]


Measure = JobMeasure | SumMeasure


def _responses(run: Run) -> dict[str, float]:
    return {
        job.seed_key: 1000 * job.response_seconds
        for job in run.measured
        if job.response_seconds is not None and job.outcome in DONE
    }


def _queue(run: Run) -> dict[str, float]:
    return {
        job.seed_key: 1000 * (when.started - when.accepted)
        for job in run.measured
        if job.outcome in DONE and (when := moments(job))
    }


def _stage(stage: Stage) -> Callable[[Run], dict[str, float]]:
    def seconds(run: Run) -> dict[str, float]:
        return {
            job.seed_key: 1000 * stages[stage]
            for job in run.measured
            if job.outcome in DONE and (stages := stage_seconds(job))
        }

    return seconds


def _overhead(run: Run) -> dict[str, float]:
    return {job.seed_key: 1000 * found.overhead_seconds for job in run.measured if (found := breakdown(job))}


def _p95(values: Sequence[float]) -> float:
    return percentile(values, 0.95)


def _median(values: Sequence[float]) -> float:
    return percentile(values, 0.5)


def _completed(run: Run) -> int:
    return run.outcomes()[Outcome.COMPLETED]


def _throughput(run: Run) -> tuple[float, float] | None:
    """Completed jobs, and the seconds from the first due time to the last end."""
    ends = [job.held for job in run.measured if job.held is not None]
    return (_completed(run), max(ends) - min(job.due for job in run.measured)) if ends else None


def _success(run: Run) -> tuple[float, float] | None:
    return (_completed(run), len(run.measured)) if run.measured else None


def _cost(run: Run) -> tuple[float, float] | None:
    """Per 1,000, so that a price table's small change can be read."""
    found = bill(run, load_prices(price_file()))
    return None if found.whole is None else (1000 * found.whole, found.jobs)


def _cpu(run: Run) -> tuple[float, float] | None:
    found, jobs = cost(run), _completed(run)
    return None if found is None else (1000 * found.service * jobs, jobs)


def _calls(run: Run) -> tuple[float, float] | None:
    made = known_total(sample.value for sample in run.answers.samples("call.results"))
    return None if made is None or not run.measured else (made, len(run.measured))


def _failed_calls(run: Run) -> tuple[float, float] | None:
    failed = known_total(
        sample.value for sample in run.answers.samples("call.results") if sample.labels["result"] != OK
    )
    return None if failed is None or not run.measured else (failed, len(run.measured))


def _connections(run: Run) -> tuple[float, float] | None:
    jobs = len(run.measured)
    opened = known_total(one.opened for one in traffic(run)) if jobs else None
    return None if opened is None else (opened * jobs, jobs)


MEASURES: Sequence[Measure] = (
    JobMeasure("response_mean", "response time, mean", "ms", _responses),
    JobMeasure("response_p50", "response time, P50", "ms", _responses, _median),
    JobMeasure("response_p95", "response time, P95", "ms", _responses, _p95),
    SumMeasure("throughput", "throughput", "jobs/s", Better.HIGHER, _throughput),
    SumMeasure("success_rate", "success rate", "ratio", Better.HIGHER, _success),
    SumMeasure("cost", "cost per 1,000 successful jobs", "money", Better.LOWER, _cost),
    SumMeasure("cpu", "CPU of the service per completed job", "ms", Better.LOWER, _cpu),
    SumMeasure("calls", "provider calls per job", "", Better.LOWER, _calls),
    SumMeasure("failed_calls", "provider calls that failed, per job", "", Better.LOWER, _failed_calls),
    SumMeasure("connections", "connections opened per job", "", Better.LOWER, _connections),
    JobMeasure("queue", "queue wait, mean", "ms", _queue),
    JobMeasure("parse", "stage parse, mean", "ms", _stage(Stage.PARSE)),
    JobMeasure("script", "stage script (LLM), mean", "ms", _stage(Stage.SCRIPT)),
    JobMeasure("scenes", "stage scenes (TTS, visuals), mean", "ms", _stage(Stage.SCENES)),
    JobMeasure("assemble", "stage assemble, mean", "ms", _stage(Stage.ASSEMBLE)),
    JobMeasure("publish", "stage publish, mean", "ms", _stage(Stage.PUBLISH)),
    JobMeasure("overhead", "overhead over the critical path, mean", "ms", _overhead),
)
PRIMARY = "response_mean"
"""By which a comparison is decided unless another is named beforehand."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What one run gives of one measure: its jobs by seed key, or two sums."""

    jobs: Mapping[str, float] | None = None
    sums: tuple[float, float] | None = None

    def among(self, keys: frozenset[str]) -> "Sample":
        return self if self.jobs is None else Sample({key: self.jobs[key] for key in sorted(keys)})


def sample(measure: Measure, run: Run) -> Sample:
    if isinstance(measure, JobMeasure):
        return Sample(jobs=measure.of_jobs(run))
    return Sample(sums=measure.of_run(run))


def pooled(measure: Measure, samples: Sequence[Sample]) -> float | None:
    """The figure of these runs as one; None without a value, or where a run's is unknown."""
    if isinstance(measure, JobMeasure):
        values = [value for one in samples for value in (one.jobs or {}).values()]
        return measure.figure(values) if values else None
    sums = [one.sums for one in samples if one.sums is not None]
    if not sums or len(sums) < len(samples):
        return None
    over = sum(second for _, second in sums)
    return sum(first for first, _ in sums) / over if over else None
