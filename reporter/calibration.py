"""Do two measurements of the same thing agree? An exact one from records, and PromQL's from a histogram."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import NormalDist

from contract.calls import Provider
from contract.jobs import Stage
from reporter.answers import Answers
from reporter.queries import QUANTILES
from reporter.runs import Run, moments
from reporter.statistics import Bucket, Percentile, bucket_of_quantile, supported_percentile


class Agreement(StrEnum):
    """Whether PromQL's figure lies in the bucket that holds the exact one."""

    YES = "yes"
    NO = "NO"
    DIFFERENT_N = "NO: n differs"
    TOO_SMALL = "n too small"
    NO_DATA = "no data"


@dataclass(frozen=True, slots=True)
class Comparison:
    """One percentile, exact and by PromQL. `bucket` bounds what PromQL can know."""

    name: str
    exact: Percentile | None
    n_promql: int | None
    promql: float | None
    bucket: Bucket | None

    @property
    def agreement(self) -> Agreement:
        if self.exact is None or self.promql is None or self.bucket is None:
            return Agreement.NO_DATA
        if self.exact.n != self.n_promql:
            return Agreement.DIFFERENT_N
        if not self.exact.supported:
            return Agreement.TOO_SMALL
        inside = self.bucket.holds(self.exact.value) and self.bucket.holds(self.promql)
        return Agreement.YES if inside else Agreement.NO

    @property
    def disagrees(self) -> bool:
        return self.agreement in (Agreement.NO, Agreement.DIFFERENT_N)

    @property
    def deviation(self) -> float | None:
        """Of PromQL's figure from the exact one, as a share of the exact one; None where they cannot be compared."""
        if self.agreement not in (Agreement.YES, Agreement.NO) or self.exact is None or self.promql is None:
            return None
        return (self.promql - self.exact.value) / self.exact.value if self.exact.value else None


def compare(values: Sequence[float], answers: Answers, histogram: str, **labels: str) -> list[Comparison]:
    """P50, P95 and P99 of `values` (seconds) beside the answers to the queries of `histogram`."""
    buckets = answers.buckets(f"{histogram}.buckets", **labels)
    n = answers.count(f"{histogram}.n", **labels)
    return [
        Comparison(
            name.upper(),
            supported_percentile(values, q),
            n,
            answers.value(f"{histogram}.{name}", **labels),
            bucket_of_quantile(buckets, q),
        )
        for name, q in QUANTILES.items()
    ]


def measured_twice(run: Run) -> dict[str, list[Comparison]]:
    """All that the records of a run (or of one rung) and a histogram both measured: P50, P95 and P99 of each."""
    answers = run.answers
    found = {"response time": compare(run.responses, answers, "load.response")}
    times = [when for job in run.measured if (when := moments(job))]
    found["queue"] = compare([when.started - when.accepted for when in times], answers, "job.queue")
    timings = [job.timings for job in run.measured if job.timings]
    for stage in Stage:
        lengths = [timing.seconds for timed in timings for timing in timed.stages if timing.stage is stage]
        found[f"stage {stage}"] = compare(lengths, answers, "stage", stage=stage)
    for provider in Provider:
        calls = [call for timed in timings for call in timed.calls if call.provider is provider]
        planned = [call.planned for call in calls if call.planned is not None]
        found[f"{provider} planned"] = compare(planned, answers, "mock.planned", provider=provider)
        found[f"{provider} taken"] = compare([c.seconds for c in calls], answers, "call", provider=provider)
    return found


@dataclass(frozen=True, slots=True)
class Verdict:
    """All comparisons of a run in one line. `worst` is the largest deviation and of what it is one."""

    histograms: int
    agreed: int
    disagreed: int
    too_small: int
    without_data: int
    worst: tuple[str, float] | None


def verdict(found: Mapping[str, Sequence[Comparison]]) -> Verdict:
    every = [(f"{c.name} of {name}", c) for name, comparisons in found.items() for c in comparisons]
    deviations = [(name, c.deviation) for name, c in every if c.deviation is not None]
    words = [c.agreement for _, c in every]
    return Verdict(
        histograms=len(found),
        agreed=words.count(Agreement.YES),
        disagreed=sum(c.disagrees for _, c in every),
        too_small=words.count(Agreement.TOO_SMALL),
        without_data=words.count(Agreement.NO_DATA),
        worst=max(deviations, key=lambda one: abs(one[1]), default=None),
    )


def log_normal_quantile(mean: float, sd: float, q: float) -> float:
    """Of the log-normal distribution with this mean and standard deviation (not those of its logarithm)."""
    variance = math.log1p((sd / mean) ** 2)
    return math.exp(math.log(mean) - variance / 2 + NormalDist().inv_cdf(q) * math.sqrt(variance))
