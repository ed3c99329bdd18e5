"""Latency of the service's endpoints, as its clients and as the service itself measure it."""

from collections.abc import Mapping, Sequence

from contract.catalogue import RequestKind
from reporter import ascii as chart
from reporter.answers import Sample
from reporter.indicators import by_endpoint
from reporter.markdown import NO_DATA, NOT_RUN, fenced, millis, table
from reporter.queries import QUANTILES
from reporter.runs import Run
from reporter.statistics import (
    Percentile,
    bucket_of_quantile,
    highest_bucket,
    percentile,
    sample_floor,
    supported_percentile,
)


def api_latency(run: Run) -> list[str]:
    """A row per endpoint: exact from the client's records where the run is about requests, else by PromQL alone."""
    return _both(run) if run.requests else _by_service(run)


def _both(run: Run) -> list[str]:
    rows = [_exact_row(run, endpoint, seconds) for endpoint, seconds in by_endpoint(run.requests).items()]
    headers = (
        *("Endpoint", "n", "P50", "P95", "P99", "Failed"),
        *("Service: n", "Service: P50", "Service: P95", "its bucket", "Service: P99", "Client ≥ service"),
    )
    return [
        (
            f"Scenario `{run.info.scenario}`: exact percentiles from the client's record of each request, from its due "
            "time to its whole answer, and PromQL's from the service's histogram, from the first byte of the request "
            "to the last of the answer. The client's hold the way there and back besides, so they are no lower. Where "
            "n is too small for a percentile, the maximum stands in its place."
        ),
        table(headers, rows, "lrrrrrrrrrrl"),
        fenced(chart.bars(_medians(run), "ms", 2)),
    ]


def _exact_row(run: Run, endpoint: str, seconds: Sequence[float]) -> tuple[str, ...]:
    method, _, route = endpoint.partition(" ")
    labels = {"method": method, "route": route, "kind": RequestKind.PLAIN.value}
    exact = {name: supported_percentile(seconds, q) for name, q in QUANTILES.items()}
    asked = [request for request in run.requests if request.endpoint == endpoint]
    failed = sum(request.failure is not None for request in asked)
    counted = run.answers.samples("http.n", **labels)
    n, p50, p95, bucket, p99 = _row(run, counted[0])[2:] if counted else (NO_DATA,) * 5
    cells = (n, p50, p95, bucket, p99, _in_order(run, exact["p95"], labels))
    return f"`{endpoint}`", str(len(seconds)), *map(_exact, exact.values()), str(failed), *cells


def _in_order(run: Run, exact: Percentile | None, labels: Mapping[str, str]) -> str:
    """A client cannot hold an answer before the service has sent it: its P95 is not below the service's bucket."""
    bucket = bucket_of_quantile(run.answers.buckets("http.buckets", **labels), 0.95)
    if exact is None or bucket is None:
        return NO_DATA
    return "yes" if exact.value >= bucket.low else "NO"


def _exact(found: Percentile | None) -> str:
    if found is None:
        return NO_DATA
    return millis(found.value) if found.supported else f"max {millis(found.value)}"


def _medians(run: Run) -> list[tuple[str, float]]:
    found = by_endpoint(run.requests)
    return [(endpoint, 1000 * percentile(seconds, 0.5)) for endpoint, seconds in found.items() if seconds]


def _by_service(run: Run) -> list[str]:
    """P95 is judged on plain requests only."""
    asked = [s for s in run.answers.samples("http.n") if s.value]
    if not asked:
        return [f"API latency: {NO_DATA}."]
    rows = [_row(run, sample) for sample in sorted(asked, key=_order)]
    return [
        (
            f"Scenario `api`: {NOT_RUN}; these are the requests of `{run.name}`. PromQL on the "
            "service's histogram; each figure is known to its bucket, at most 5 % wide. Requests that wait or stream "
            "on purpose stand apart. Where n is too small for a percentile, the upper end of the highest bucket in "
            "use stands in its place."
        ),
        table(("Endpoint", "Kind", "n", "P50", "P95", "P95's bucket", "P99"), rows, "llrrrrr"),
    ]


def _order(sample: Sample) -> tuple[str, ...]:
    return tuple(sample.labels.get(name, "") for name in ("kind", "route", "method"))


def _row(run: Run, sample: Sample) -> tuple[str, ...]:
    labels = {name: value for name, value in sample.labels.items() if name in ("method", "route", "kind")}
    n = run.answers.count("http.n", **labels) or 0
    buckets = run.answers.buckets("http.buckets", **labels)
    top = highest_bucket(buckets)
    cells = {}
    for name, q in QUANTILES.items():
        if n >= sample_floor(q):
            cells[name] = millis(run.answers.value(f"http.{name}", **labels))
        else:
            cells[name] = NO_DATA if top is None else f"max ≤ {millis(top.high)}"
    bucket = bucket_of_quantile(buckets, 0.95) if n >= sample_floor(0.95) else top
    bounds = NO_DATA if bucket is None else f"{bucket.low * 1000:,.4g}–{bucket.high * 1000:,.4g} ms"
    endpoint = f"`{labels.get('method', '')} {labels.get('route', '?')}`"
    return endpoint, labels.get("kind", ""), str(n), cells["p50"], cells["p95"], bounds, cells["p99"]
