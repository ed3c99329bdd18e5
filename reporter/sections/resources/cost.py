"""What jobs cost in money."""

from collections.abc import Mapping

from contract.calls import CallResult
from reporter import ascii as chart
from reporter import pooling
from reporter.markdown import NO_DATA, NOT_RUN, bullets, fenced, figure, percent, table
from reporter.pricing import HOURS_OF_A_MONTH, Bill, Prices, bill
from reporter.runs import Run
from reporter.stamp import unquotable

LOADS = (0.1, 1.0, 5.0)
"""Jobs per second, around the clock, for which the month is told."""
WITHOUT_ANSWER = (CallResult.TIMEOUT, CallResult.OUT_OF_TIME, CallResult.CANCELLED)

DEFINITIONS = (
    "All that a run used while it was measured (faults, repeated calls and cancelled work included) / its successful "
    "jobs × 1,000. Tokens are those that the answers tell, characters those of the texts sent to be read; an answer of "
    "no use is billed all the same. CPU is that of the service's own processes, their sandboxes included; memory what "
    "they held on average, from the first due time to the last end; data sent are the bytes on the wire to the "
    "providers, and each video once to its client. Not billed: Redis, Prometheus, storage, the mocks and the load "
    "generator."
)


def bills(runs: Mapping[str, Run], prices: Prices) -> dict[str, Bill]:
    """By run, of those whose figures may be quoted and that completed a job."""
    found = {run.name: bill(run, prices) for run in runs.values() if unquotable(run) is None}
    return {name: one for name, one in found.items() if one.per_1000 is not None}


def largest(known: Mapping[str, Bill]) -> tuple[str, Bill]:
    """That of the most jobs; one of several workloads only where there is no other."""
    return max(known.items(), key=lambda one: (one[0] != pooling.SCENARIO, one[1].jobs))


def cost(runs: Mapping[str, Run], prices: Prices, picture: str | None = None) -> list[str]:
    """`picture` is where the figure is, as seen from the report. The bill of the most jobs is told in detail."""
    if not runs:
        return [f"Runs with jobs: {NOT_RUN}."]
    known = bills(runs, prices)
    blocks = [f"Prices: **{prices.label}**, in {prices.currency}.", DEFINITIONS, _by_run(runs, known)]
    if not known:
        return blocks
    name, base = largest(known)
    blocks += [
        f"In detail, `{name}` with {base.jobs:,} successful jobs, per 1,000 of them:",
        _breakdown(base),
        fenced(chart.bars([(item.title, base.of_1000(item) or 0.0) for item in base.items], prices.currency, 4)),
    ]
    if picture:
        blocks.append(f"![Cost of 1,000 jobs by item]({picture})")
    return [*blocks, _month(name, base), _months(base), *_reservations(runs)]


def _by_run(runs: Mapping[str, Run], known: Mapping[str, Bill]) -> str:
    rows: list[tuple[str, ...]] = []
    for run in runs.values():
        found = known.get(run.name)
        if found is None:
            rows.append((run.name, *(unquotable(run) or NO_DATA,) * 2, *("",) * 7))
            continue
        per_job = None if found.per_1000 is None else found.per_1000 / 1000
        parts = [money(found.of_1000(item)) for item in found.items]
        rows.append((run.name, money(per_job), money(found.per_1000), *parts))
    titles = ("input tokens", "output tokens", "speech", "images", "CPU", "memory", "sent")
    return table(("Run", "Per job", "Per 1,000 jobs", *(f"of it {title}" for title in titles)), rows, "lrrrrrrrrr")


def _breakdown(found: Bill) -> str:
    rows = []
    for item in found.items:
        part = found.of_1000(item)
        amount = None if item.amount is None else item.amount / found.jobs * 1000
        share = None if part is None or not found.per_1000 else part / found.per_1000
        rows.append((item.title, figure(amount, item.unit), money(item.price), money(part), percent(share)))
    rows.append(("**whole**", "", "", money(found.per_1000), ""))
    return table(("Item", "Amount", "Price of one", "Cost", "Share"), rows, "lrrrr")


def _month(name: str, found: Bill) -> str:
    held = figure(found.held, "GB")
    return (
        f"A month of {HOURS_OF_A_MONTH:.0f} h at a steady load, by what `{name}` used per job. Memory is paid for "
        f"whether used or not: {held} for each stack like this one, as many as the load takes at "
        f"{found.throughput or 0:.2f} jobs/s each, which is what one carried in this run, not what it can at most."
    )


def _months(found: Bill) -> str:
    rows = [
        (
            f"{rate:g} jobs/s",
            f"{rate * 3600 * HOURS_OF_A_MONTH:,.0f}",
            figure(found.stacks(rate)),
            money(found.month(rate)),
        )
        for rate in LOADS
    ]
    return table(("Load", "Jobs a month", "Stacks", "Cost a month"), rows, "lrrr")


def _reservations(runs: Mapping[str, Run]) -> list[str]:
    """What makes a bill a lower bound."""
    found = []
    for run in runs.values():
        untold = sum(part.answers.total("call.usage_untold") or 0 for part in run.parts)
        cut = sum(
            part.answers.total("call.results", result=result) or 0 for part in run.parts for result in WITHOUT_ANSWER
        )
        if untold:
            found.append(f"`{run.name}`: {untold:.0f} answers could not be read and did not tell their tokens.")
        if cut:
            found.append(f"`{run.name}`: {cut:.0f} calls were given up without an answer; a provider may bill them.")
    return ["Lower bounds:", bullets(found)] if found else []


def money(value: float | None) -> str:
    """Without its currency: cents from 1 on, else four significant digits."""
    if value is None:
        return NO_DATA
    return f"{value:,.2f}" if value >= 1 else f"{value:.4g}"
