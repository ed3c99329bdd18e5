"""Latency of the service's endpoints, as the service itself measures it."""

from reporter.answers import Sample
from reporter.markdown import NO_DATA, NOT_RUN, millis, table
from reporter.queries import QUANTILES
from reporter.runs import Run
from reporter.statistics import bucket_of_quantile, highest_bucket, sample_floor


def api_latency(run: Run) -> list[str]:
    """A row per endpoint and kind of request that occurred; P95 is judged on plain requests only."""
    asked = [s for s in run.answers.samples("http.n") if s.value]
    if not asked:
        return [f"API latency: {NO_DATA}."]
    rows = [_row(run, sample) for sample in sorted(asked, key=_order)]
    blocks = [
        (
            "PromQL on the service's histogram; each figure is known to its bucket, at most 5 % wide. Requests that "
            "wait or stream on purpose stand apart. Where n is too small for a percentile, the upper end of the "
            "highest bucket in use stands in its place."
        ),
        table(("Endpoint", "Kind", "n", "P50", "P95", "P95's bucket", "P99"), rows, "llrrrrr"),
    ]
    if run.info.scenario != "api":
        blocks.append(f"These are the requests of scenario `{run.info.scenario}`; scenario `api`: {NOT_RUN}.")
    return blocks


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
