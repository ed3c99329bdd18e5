"""Response time of one run: exact figures beside PromQL's."""

from reporter import ascii as chart
from reporter.calibration import Comparison, compare
from reporter.markdown import NO_DATA, NONE, fenced, seconds, table, whole
from reporter.runs import Run
from reporter.statistics import Bucket, Percentile, Summary, sample_floor


def response_time(run: Run, picture: str | None) -> list[str]:
    """`picture` is where the figure is, as seen from the report."""
    values = run.responses
    summary = Summary.of(values)
    if summary is None:
        return [f"Response time: {NO_DATA}."]
    comparisons = compare(values, run.answers, "load.response")
    rows = [
        ("min", seconds(summary.minimum), NONE, NONE, NONE),
        ("avg", seconds(summary.mean), seconds(_mean(run)), NONE, NONE),
        ("stddev", NONE if summary.stddev is None else seconds(summary.stddev), NONE, NONE, NONE),
        ("max", seconds(summary.maximum), NONE, NONE, NONE),
        *(comparison_row(c) for c in comparisons),
        ("n", str(summary.n), whole(comparisons[0].n_promql), NONE, NONE),
    ]
    blocks = [
        (
            f"From `{run.name}`, {summary.n} jobs. Exact figures come from the records of the jobs, "
            "PromQL's from the load generator's histogram, which knows a percentile only to its bucket."
        ),
        table(("Statistic", "Exact", "PromQL", "PromQL's bucket", "Same bucket"), rows, "lrrrl"),
        fenced(chart.histogram([1000 * value for value in values], "ms")),
    ]
    if picture:
        blocks.append(f"![Distribution of the response time]({picture})")
    return blocks


def comparison_row(comparison: Comparison) -> tuple[str, ...]:
    shown = comparison.exact is not None and comparison.exact.supported
    return (
        comparison.name,
        percentile_text(comparison.exact),
        seconds(comparison.promql) if shown else NONE,
        bucket_text(comparison.bucket) if shown else NONE,
        comparison.agreement,
    )


def percentile_text(found: Percentile | None) -> str:
    """The maximum, said to be one, where the sample does not support the percentile."""
    if found is None:
        return NO_DATA
    if found.supported:
        return seconds(found.value)
    return f"max {seconds(found.value)} (n = {found.n} < {sample_floor(found.q)})"


def bucket_text(bucket: Bucket | None) -> str:
    return NO_DATA if bucket is None else f"{bucket.low:.4g}–{bucket.high:.4g} s"


def _mean(run: Run) -> float | None:
    total, n = run.answers.value("load.response.sum"), run.answers.count("load.response.n")
    return total / n if total is not None and n else None
