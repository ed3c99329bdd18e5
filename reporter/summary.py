"""A run in a few lines, for the terminal."""

from collections.abc import Iterable
from pathlib import Path

from reporter.breakdown import OVERHEAD_TITLES, breakdowns
from reporter.markdown import millis, percent, seconds
from reporter.runs import Run
from reporter.sections.headline import amount, judged, target_title
from reporter.stamp import reservations, stamp, success_interval, successes_of
from reporter.statistics import Summary, percentile, supported_percentile


def summary(folder: Path) -> list[str]:
    """The stamp with its reasons, the main figures, a line per target. Raises UsageError as `Run.load` does."""
    run = Run.load(folder)
    found = stamp(run)
    lines = [f"{run.info.scenario}: {found.word}", *(f"  {reason}" for reason in found.reasons)]
    lines += _figures(run)
    if run.result is not None:
        for target in run.result.targets:
            limit = f"{target.op} {amount(target.limit, target.unit)}"
            value = amount(target.value, target.unit)
            lines.append(f"{target_title(target):<22} {value:>12}  target {limit:<10}  {judged(run.result, target)}")
        lines.append(f"verdict {run.result.verdict}")
    return [*lines, *(f"note: {note}" for note in reservations(run))]


def _figures(run: Run) -> list[str]:
    lines = []
    whole = Summary.of(run.responses)
    if whole is not None:
        spread = "" if whole.stddev is None else f" ± {seconds(whole.stddev)}"
        p95 = supported_percentile(run.responses, 0.95)
        high = f", {p95.name} {seconds(p95.value)}" if p95 and p95.supported else f", max {seconds(whole.maximum)}"
        lines.append(f"response time {seconds(whole.mean)}{spread}{high} (n = {whole.n})")
    lines += _overhead(run)
    interval = success_interval(run)
    if interval is not None:
        successes, attempted = successes_of(run)
        low, high_end = interval
        lines.append(f"success {successes} of {attempted} (95 % interval {percent(low)} to {percent(high_end)})")
    return lines


def _overhead(run: Run) -> list[str]:
    """Medians over the completed jobs; medians of parts need not sum to the median of the whole."""
    found = breakdowns(run.measured)
    if not found:
        return []

    def p50(values: Iterable[float]) -> str:
        return millis(percentile(list(values), 0.5))

    overhead = p50(job.overhead_seconds for job in found)
    critical = p50(job.critical_seconds for job in found)
    parts = [f"  {title:<34}{p50(job.overhead[n] for job in found):>10}" for n, title in OVERHEAD_TITLES.items()]
    return [f"overhead p50 {overhead} over a critical path of {critical}, of which (p50 each)", *parts]
