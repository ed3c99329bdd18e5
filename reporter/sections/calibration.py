"""How well the system is measured: what is known exactly beside what PromQL tells."""

from collections.abc import Iterable

from contract.calls import Provider
from contract.jobs import Stage
from reporter.calibration import Comparison, log_normal_quantile, measured_twice, verdict
from reporter.markdown import NO_DATA, NONE, millis, table
from reporter.queries import QUANTILES
from reporter.runs import Run
from reporter.statistics import Percentile, sample_floor


def calibration(run: Run, runs: Iterable[Run]) -> list[str]:
    """The mocks' latencies are planned, so what was measured can be held against what is true.

    `run` in detail, and a line for each of `runs` and of their rungs.
    """
    found = measured_twice(run)
    calls = [row for provider in Provider for row in _call_rows(run, provider, found)]
    stages = [_stage_row(name, found[name]) for name in ("queue", *(f"stage {stage}" for stage in Stage))]
    everything = [_verdict_row(part) for one in runs for part in one.parts]
    return [
        (
            f"From `{run.name}`: what each mock planned and what each call took, exactly (from the records of the "
            "jobs) and by PromQL (from the histograms of the mocks and of the workers). *Profile* is the percentile of "
            "the log-normal distribution that the workload asks for. PromQL's figure must lie in the bucket that holds "
            "the exact one."
        ),
        table(
            (
                *("Provider", "", "n", "Profile", "Planned", "PromQL", "Same bucket"),
                *("Taken", "PromQL", "PromQL's bucket", "Same bucket"),
            ),
            calls,
            "llrrrrlrrrl",
        ),
        "The queue and the stages, likewise:",
        table(
            (
                *("", "n", "P50", "PromQL", "PromQL's bucket", "Same bucket"),
                *("P95", "PromQL", "PromQL's bucket", "Same bucket"),
            ),
            stages,
            "lrrrrlrrrl",
        ),
        (
            "Every histogram that has exact records beside it (response time, queue, stages, planned and taken "
            "provider calls), in every run and rung: P50, P95 and P99 of each. The worst deviation is PromQL's figure "
            "from the exact one; a bucket allows up to 5 % between 1 ms and 30 s, and more below, where only a queue "
            "wait can be."
        ),
        table(
            (
                *("Run", "Histograms", "In the same bucket", "Not", "n too small", "No data", "Worst deviation"),
                "Verdict",
            ),
            everything,
            "lrrrrrll",
        ),
    ]


def _verdict_row(run: Run) -> tuple[str, ...]:
    found = verdict(measured_twice(run))
    worst = NO_DATA if found.worst is None else f"{100 * found.worst[1]:+.1f} %, {found.worst[0]}"
    word = "NO" if found.disagreed else "yes" if found.agreed else NO_DATA
    counts = (found.histograms, found.agreed, found.disagreed, found.too_small, found.without_data)
    return run.name, *map(str, counts), worst, word


def _call_rows(run: Run, provider: Provider, found: dict[str, list[Comparison]]) -> list[tuple[str, ...]]:
    rows = zip(QUANTILES.values(), found[f"{provider} planned"], found[f"{provider} taken"], strict=True)
    return [
        (
            provider.upper() if plan.name == "P50" else "",
            plan.name,
            _n(take),
            _profile(run, provider, q),
            _exact(plan.exact),
            *_promql(plan)[::2],
            _exact(take.exact),
            *_promql(take),
        )
        for q, plan, take in rows
    ]


def _stage_row(name: str, comparisons: list[Comparison]) -> tuple[str, ...]:
    p50, p95, _ = comparisons
    return name, _n(p50), _exact(p50.exact), *_promql(p50), _exact(p95.exact), *_promql(p95)


def _n(comparison: Comparison) -> str:
    return NO_DATA if comparison.exact is None else str(comparison.exact.n)


def _exact(found: Percentile | None) -> str:
    if found is None:
        return NO_DATA
    return millis(found.value) if found.supported else f"max {millis(found.value)} (n < {sample_floor(found.q)})"


def _promql(comparison: Comparison) -> tuple[str, str, str]:
    """Figure, bucket, agreement."""
    if comparison.exact is not None and not comparison.exact.supported:
        return NONE, NONE, comparison.agreement
    bucket = comparison.bucket
    bounds = NO_DATA if bucket is None else f"{bucket.low * 1000:,.4g}–{bucket.high * 1000:,.4g} ms"
    return millis(comparison.promql), bounds, comparison.agreement


def _profile(run: Run, provider: Provider, q: float) -> str:
    profile = run.info.workload.get(f"{provider}_latency")
    if not isinstance(profile, dict) or not {"mean", "sd"} <= profile.keys():
        return NO_DATA
    return millis(log_normal_quantile(profile["mean"], profile["sd"], q))
