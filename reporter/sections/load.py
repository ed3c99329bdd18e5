"""What each load gave and what limited it, a row per rung."""

from collections.abc import Mapping, Sequence

from reporter import ascii as chart
from reporter.limits import RULES, limit
from reporter.markdown import NO_DATA, NONE, NOT_RUN, fenced, millis, percent, seconds, table
from reporter.rungs import Rung
from reporter.statistics import Percentile, Summary, sample_floor

DEFINITIONS = (
    "*Throughput*: completed jobs from the first due time to the last completion that a client saw. *CPU cores used*, "
    "by all our processes (mocked providers and load generator included): the growth of their CPU counters between the "
    "two readings around the measured phase, per completed job, times the throughput; idle seconds before and after "
    "the load so do not thin it. *Machine busy*: share of all cores in use by anyone, over the measured phase. "
    "*CPU per job*: of the service alone. *In flight*: throughput × mean response time (Little’s law). Queue wait and "
    "overhead are medians."
)


def concurrent_load(ladders: Mapping[str, Sequence[Rung]], pictures: Mapping[str, str]) -> list[str]:
    """`concurrent` first, whether it was run or not; then every other load that is not one job after another."""
    blocks = _blocks(ladders["concurrent"], pictures) if "concurrent" in ladders else []
    if not blocks:
        blocks = [f"Scenario `concurrent`: {NOT_RUN}."]
    for scenario, rungs in ladders.items():
        if scenario != "concurrent":
            blocks += [f"### {scenario}: {rungs[0].run.info.title}", *_blocks(rungs, pictures)]
    return [*blocks, DEFINITIONS, f"What limits a load, by rule. {RULES}"] if ladders else blocks


def _blocks(rungs: Sequence[Rung], pictures: Mapping[str, str]) -> list[str]:
    outcome = ("Load", "Jobs", "Jobs/s", "Mean ± sd", "P50", "P95", "Success, exact 95 % interval")
    cause = (
        *("Load", "Cores used", "Machine busy", "CPU per job", "In flight", "Queue wait", "Overhead"),
        *("Its largest part", "What limits it"),
    )
    blocks = [
        table(outcome, [_outcome(rung) for rung in rungs], "lrrrrrr"),
        table(cause, [_cause(rung) for rung in rungs], "lrrrrrrll"),
    ]
    if len(rungs) > 1:
        throughputs = [(rung.load, rung.throughput) for rung in rungs if rung.throughput is not None]
        slow = [(rung.load, rung.p95.value) for rung in rungs if rung.p95 and rung.p95.supported]
        blocks += [
            "Throughput and P95 of the response time by load:",
            fenced(f"{chart.bars(throughputs, 'jobs/s')}\n\n{chart.bars(slow, 's', 3)}"),
        ]
    picture = pictures.get(f"load {rungs[-1].run.info.scenario}")
    return [*blocks, f"![Throughput and response time by load]({picture})"] if picture else blocks


def _outcome(rung: Rung) -> tuple[str, ...]:
    successes, attempted = rung.successes
    success = NO_DATA
    if rung.interval is not None:
        low, high = rung.interval
        success = f"{successes} of {attempted}, {100 * low:.1f}–{100 * high:.1f} %"
    return (
        rung.load,
        str(len(rung.run.measured)),
        per_second(rung.throughput),
        _mean(rung.response),
        _percentile(rung.p50),
        _percentile(rung.p95),
        success,
    )


def _cause(rung: Rung) -> tuple[str, ...]:
    cores = NO_DATA if rung.cores_used is None else f"{rung.cores_used:.2f} of {rung.cores or '?'}"
    over = rung.overhead
    return (
        rung.load,
        cores,
        percent(rung.busy, 0),
        NO_DATA if rung.cost is None else millis(rung.cost.service),
        NO_DATA if rung.in_flight is None else f"{rung.in_flight:.1f}",
        millis(rung.queue_wait),
        NO_DATA if over is None else millis(over.overhead),
        NO_DATA if over is None else f"{over.part} {millis(over.part_seconds)}",
        str(limit(rung)),
    )


def per_second(value: float | None) -> str:
    return NO_DATA if value is None else f"{value:.2f}"


def _mean(found: Summary | None) -> str:
    if found is None:
        return NO_DATA
    return f"{found.mean:.3f} ± {NONE if found.stddev is None else f'{found.stddev:.3f}'} s"


def _percentile(found: Percentile | None) -> str:
    if found is None:
        return NO_DATA
    return seconds(found.value) if found.supported else f"max {seconds(found.value)} (n < {sample_floor(found.q)})"
