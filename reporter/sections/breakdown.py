"""Where a job's time goes: the critical path that the workload sets, and what the system adds to it."""

from collections.abc import Sequence

from reporter import ascii as chart
from reporter.breakdown import CRITICAL_TITLES, OVERHEAD_TITLES, breakdowns
from reporter.markdown import NO_DATA, fenced, millis, percent, table
from reporter.runs import Run
from reporter.statistics import percentile


def where_time_goes(run: Run, picture: str | None) -> list[str]:
    """`picture` is where the figure is, as seen from the report."""
    found = breakdowns(run.measured)
    if not found:
        return [
            (
                f"{NO_DATA.capitalize()}: no job completed for which each planned latency and each CPU time is known. "
                "A real provider plans nothing, so its runs have no critical path."
            )
        ]
    responses = [b.response for b in found]
    critical, overhead = [b.critical_seconds for b in found], [b.overhead_seconds for b in found]
    parts = {name: [b.overhead[name] for b in found] for name in OVERHEAD_TITLES}
    rows = [
        *(_row(title, [b.critical[name] for b in found], responses) for name, title in CRITICAL_TITLES.items()),
        _row("**critical path**", critical, responses),
        *(_row(title, parts[name], responses) for name, title in OVERHEAD_TITLES.items()),
        _row("**overhead**", overhead, responses),
        _row("**response time**", responses, responses),
    ]
    medians = [(title, 1000 * percentile(parts[name], 0.5)) for name, title in OVERHEAD_TITLES.items()]
    median = percentile(overhead, 0.5)
    blocks = [
        (
            f"From `{run.name}`. Median overhead: **{millis(median)}**, "
            f"{percent(median / percentile(critical, 0.5))} of the median critical path; {len(found)} of "
            f"{len(run.measured)} jobs have both. Means and shares sum; medians need not."
        ),
        table(("Part", "P50", "Mean", "Share"), rows, "lrrr"),
        "Overhead by part, medians:",
        fenced(chart.bars(medians, "ms", 2)),
    ]
    if picture:
        blocks.append(f"![The median job's time by part]({picture})")
    return blocks


def _row(title: str, values: Sequence[float], responses: Sequence[float]) -> tuple[str, ...]:
    share = sum(values) / sum(responses)
    return title, millis(percentile(values, 0.5)), millis(sum(values) / len(values)), percent(share)
