"""A run in a few lines, for the terminal."""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from contract.runfolder import Target
from reporter.breakdown import OVERHEAD_TITLES, breakdowns
from reporter.limits import limit
from reporter.markdown import NO_DATA, NONE, millis, percent, seconds
from reporter.rungs import Rung, ladder
from reporter.runs import Run
from reporter.sections.headline import amount, judged, target_title
from reporter.stamp import reservations, stamp, success_interval, successes_of
from reporter.statistics import Percentile, Summary, percentile, supported_percentile


def summary(folder: Path) -> list[str]:
    """The stamp with its reasons, the main figures, the targets. Raises UsageError as `Run.load` does.

    A run of several rungs has a line for each of them, and of the targets those that were missed.
    """
    run = Run.load(folder)
    found = stamp(run)
    lines = [f"{run.info.scenario}: {found.word}", *(f"  {reason}" for reason in found.reasons)]
    lines += _ladder(ladder(run)) if run.rungs else _figures(run)
    lines += _survival(run)
    if run.result is not None:
        targets = run.result.targets
        shown = [target for target in targets if not target.passed] if run.rungs else targets
        lines += [_target(target) for target in shown]
        if len(shown) < len(targets):
            lines.append(f"targets met {sum(target.passed for target in targets)} of {len(targets)}")
        lines.append(f"verdict {run.result.verdict}")
    return [*lines, *(f"note: {note}" for note in reservations(run))]


def _survival(run: Run) -> list[str]:
    """What was done to processes and calls, and what became of the jobs; nothing where nothing was done."""
    if not (run.faults or run.faulted_calls) or run.result is None:
        return []
    met = Counter(f"{fault.kind} {fault.target}" for fault in run.faults)
    met += Counter(f"{call.kind} {call.provider}" for call in run.faulted_calls)
    counts = run.result.counts
    names = ("attempted", "acknowledged", "completed", "lost", "unexpected", "duplicated", "recovered")
    return [
        f"faults {', '.join(f'{n} × {what}' for what, n in met.items())}",
        "jobs " + ", ".join(f"{name} {getattr(counts, name)}" for name in names),
        "  duplicated: executions beyond a job's first; recovered: jobs never acknowledged that ended all the same",
    ]


def _failures(run: Run) -> list[str]:
    """Why jobs failed, one line per kind with the first one's message."""
    first: dict[str, str] = {}
    kinds: Counter[str] = Counter()
    for record in run.measured:
        if record.error is not None:
            kinds[record.error.code] += 1
            first.setdefault(record.error.code, record.error.message)
    return [f"failed {n} × {kind}: {first[kind]}" for kind, n in kinds.most_common()]


def _target(target: Target) -> str:
    limit_ = f"{target.op} {amount(target.limit, target.unit)}"
    at = f", {target.rung}" if target.rung else ""
    value = amount(target.value, target.unit)
    note = f"  ({target.note})" if target.note else ""
    return f"{target_title(target) + at:<22} {value:>12}  target {limit_:<10}  {judged(target)}{note}"


def _ladder(rungs: Sequence[Rung]) -> list[str]:
    headers = ("load", "jobs", "jobs/s", "mean", "P50", "P95", "success", "busy", "CPU/job", "limit")
    cells = [headers, *(_cells(rung) for rung in rungs)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(headers))]
    last = len(headers) - 1
    return [
        "  ".join(
            cell.ljust(width) if i in {0, last} else cell.rjust(width) for i, (cell, width) in enumerate(line)
        ).rstrip()
        for line in (list(zip(row, widths, strict=True)) for row in cells)
    ]


def _cells(rung: Rung) -> tuple[str, ...]:
    successes, attempted = rung.successes
    return (
        rung.load,
        str(len(rung.run.measured)),
        NO_DATA if rung.throughput is None else f"{rung.throughput:.2f}",
        NO_DATA if rung.response is None else seconds(rung.response.mean),
        _supported(rung.p50),
        _supported(rung.p95),
        percent(successes / attempted) if attempted else NONE,
        percent(rung.busy, 0),
        NO_DATA if rung.cost is None else millis(rung.cost.service),
        str(limit(rung)),
    )


def _supported(found: Percentile | None) -> str:
    if found is None:
        return NO_DATA
    return seconds(found.value) if found.supported else f"≤ {seconds(found.value)}"


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
    return lines + _failures(run)


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
