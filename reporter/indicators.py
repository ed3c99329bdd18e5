"""The indicators that targets judge: one definition each, here and nowhere else."""

import math
from collections.abc import Iterable, Sequence
from http import HTTPStatus

from contract.calls import Provider
from contract.catalogue import UNMATCHED_ROUTE, RequestKind
from contract.jobs import Cause, ErrorCode, Outcome, Stage, Timings
from contract.runfolder import RequestRecord
from reporter.answers import Sample
from reporter.breakers import breakers
from reporter.caching import cache_hit_rate
from reporter.cancelling import cancelling
from reporter.cpu import collecting_cost, cpu_utilisation
from reporter.indicator import Indicator, share
from reporter.memory import leak, memory_per_job
from reporter.recovery import recovery
from reporter.runs import Run
from reporter.statistics import highest_bucket, percentile, sample_floor, supported_percentile

OWN_ROUTES = ("/metrics", UNMATCHED_ROUTE)
"""Requests to these are Prometheus's or a mistake, and no part of the API's latency."""


def indicators(run: Run) -> dict[str, Indicator]:
    """By the names that scenarios use for their targets. Times in seconds, shares of 1."""
    return {
        "response_p95": _exact_p95(run.responses),
        "success_rate": share(run.outcomes()[Outcome.COMPLETED], len(run.measured)),
        "throughput": _throughput(run),
        "api_p95": _api(run),
        "restart_max": _restart(run),
        "refusal_max": _refusal(run),
        "drain_time": _drain(run),
        "crashes": _counted(run, "ledger.crashes"),
        "late_ends": _counted(run, "worker.lost"),
        "quarantined": _quarantined(run),
        "parse_p95": _stage(run, Stage.PARSE),
        "llm_p95": _calls(run, Provider.LLM),
        "tts_p95": _calls(run, Provider.TTS),
        "visual_p95": _calls(run, Provider.VISUAL),
        "assemble_p95": _stage(run, Stage.ASSEMBLE),
        "cache_hit_rate": cache_hit_rate(run),
        "leak": leak(run),
        "memory_per_job": memory_per_job(run),
        "cpu_utilisation": cpu_utilisation(run),
        "collecting_cost": collecting_cost(run),
        **recovery(run),
        **breakers(run),
        **cancelling(run),
    }


def _exact_p95(values: Sequence[float]) -> Indicator:
    found = supported_percentile(values, 0.95)
    if found is None:
        return Indicator(None, 0)
    return Indicator(found.value, found.n, None if found.supported else "the maximum: n is too small for P95")


def _stage(run: Run, stage: Stage) -> Indicator:
    """Over the executions that ended the jobs, failed jobs included; the CPU that it waits for is part of it."""
    return _exact_p95([timing.seconds for timed in _timings(run) for timing in timed.stages if timing.stage is stage])


def _calls(run: Run, provider: Provider) -> Indicator:
    """Over all attempts, as the worker lived them: good or bad, the way to the provider and back included."""
    return _exact_p95([call.seconds for timed in _timings(run) for call in timed.calls if call.provider is provider])


def _timings(run: Run) -> list[Timings]:
    return [job.timings for job in run.measured if job.timings]


def _throughput(run: Run) -> Indicator:
    """Completed jobs per second, from the first due time to the last completion that a client saw."""
    done = [job.held for job in run.measured if job.outcome is Outcome.COMPLETED and job.held is not None]
    if not done:
        return Indicator(None, 0)
    return Indicator(len(done) / (max(done) - min(job.due for job in run.measured)), len(done))


def _api(run: Run) -> Indicator:
    """The highest P95 of the endpoints that were asked often enough, on plain requests.

    From the client's own records where the scenario is about requests, else by PromQL from the service's histogram.
    Where no endpoint was asked often enough, the bound of the slowest request of all stands in for it.
    """
    if run.requests:
        return _api_of_client(run)
    asked = [
        sample
        for sample in run.answers.samples("http.n", kind=RequestKind.PLAIN)
        if sample.value and sample.labels.get("route") not in OWN_ROUTES
    ]
    if not asked:
        return Indicator(None, 0)
    enough = [sample for sample in asked if (sample.value or 0) >= sample_floor(0.95)]
    if enough:
        worst = max(enough, key=lambda sample: _p95(run, sample) or math.inf)
        return Indicator(_p95(run, worst), int(worst.value or 0), f"the slowest: {_endpoint(worst)}")
    worst = max(asked, key=lambda sample: _bound(run, sample) or math.inf)
    return Indicator(
        _bound(run, worst), int(worst.value or 0), f"a bound of the maximum, n is too small for P95: {_endpoint(worst)}"
    )


def _api_of_client(run: Run) -> Indicator:
    found = {
        name: p95 for name, seconds in by_endpoint(run.requests).items() if (p95 := supported_percentile(seconds, 0.95))
    }
    if not found:
        return Indicator(None, 0)
    enough = {name: p95 for name, p95 in found.items() if p95.supported} or found
    worst = max(enough, key=lambda name: enough[name].value)
    what = "the slowest" if enough[worst].supported else "the maximum, n is too small for P95"
    return Indicator(enough[worst].value, enough[worst].n, f"{what}: {worst}")


def by_endpoint(requests: Iterable[RequestRecord]) -> dict[str, list[float]]:
    """Seconds of the answered requests, by endpoint in the order in which they were first asked."""
    found: dict[str, list[float]] = {}
    for request in requests:
        times = found.setdefault(request.endpoint, [])
        if request.seconds is not None and request.failure is None:
            times.append(request.seconds)
    return found


def _p95(run: Run, sample: Sample) -> float | None:
    return run.answers.value("http.p95", **sample.labels)


def _bound(run: Run, sample: Sample) -> float | None:
    bucket = highest_bucket(run.answers.buckets("http.buckets", **sample.labels))
    if bucket is None:
        return None
    return bucket.high if math.isfinite(bucket.high) else bucket.low


def _endpoint(sample: Sample) -> str:
    return f"{sample.labels.get('method')} {sample.labels.get('route')}"


def _restart(run: Run) -> Indicator:
    """From the kill of a worker to the next execution of a job that it ran; the longest."""
    kills = [fault for fault in run.faults if fault.target == "worker" and fault.kind == "kill"]
    waits = []
    for job in run.measured:
        starts = [past.started_at for past in job.history] + [job.started]
        for past, again in zip(job.history, starts[1:], strict=True):
            when = [
                kill.start
                for kill in kills
                if kill.victim == past.worker and past.started_at <= kill.start <= past.ended_at
            ]
            if past.cause is Cause.CRASH and when and again is not None:
                waits.append(again - min(when))
    if not waits:
        return Indicator(None, 0)
    quartiles = "/".join(f"{percentile(waits, q):.2f}" for q in (0.25, 0.5, 0.75))
    return Indicator(max(waits), len(waits), f"quartiles {quartiles} s, P95 {percentile(waits, 0.95):.2f} s")


def _refusal(run: Run) -> Indicator:
    """How long the slowest refusal (503) took, and nothing else that a client met."""
    seconds = [
        one.seconds for job in run.measured for one in job.interruptions if one.status == HTTPStatus.SERVICE_UNAVAILABLE
    ]
    if not seconds:
        return Indicator(None, 0)
    return Indicator(max(seconds), len(seconds), f"median {percentile(seconds, 0.5):.2f} s")


def _drain(run: Run) -> Indicator:
    """From the end of the last fault until the last job that was accepted before had started."""
    ends = [fault.end for fault in run.faults if fault.end is not None]
    if not ends:
        return Indicator(None, 0)
    waiting = [
        job.started
        for job in run.measured
        if job.accepted is not None and job.started is not None and job.accepted < max(ends) < job.started
    ]
    return Indicator(max(waiting, default=max(ends)) - max(ends), len(waiting), f"{len(waiting)} jobs had waited")


def _counted(run: Run, query: str) -> Indicator:
    count = run.answers.count(query)
    return Indicator(None if count is None else float(count))


def _quarantined(run: Run) -> Indicator:
    given_up = [job for job in run.measured if job.error is not None and job.error.code is ErrorCode.QUARANTINED]
    return Indicator(float(len(given_up)) if run.measured else None, len(run.measured))
