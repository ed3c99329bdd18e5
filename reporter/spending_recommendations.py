"""What the figures of traffic and cost suggest doing. Each sentence holds the figure that it was derived from."""

from collections.abc import Iterator, Mapping

from reporter.markdown import figure, percent
from reporter.network import traffic
from reporter.pooling import SCENARIO, contrasts
from reporter.pricing import Bill, Prices, bill, wasted
from reporter.runs import Run
from reporter.stamp import usable

HEAVY_HEADS = 0.25
"""Share of the payload from which on what the wire carries beyond it is worth a look."""
OFTEN_OPENED = 0.5
"""Connections opened per call from which on they are not kept."""
LARGE = 0.5
"""Share of the cost from which on one item decides it."""
WASTE = 0.01
"""Share of the cost that answers of no use may have."""

RULES = (
    f"a difference between pooling and none whose interval excludes 0; more than {OFTEN_OPENED:g} connections "
    f"opened per call; wire bytes over {percent(HEAVY_HEADS, 0)} beyond the payload; an item of more than "
    f"{percent(LARGE, 0)} of the cost; answers of no use for more than {percent(WASTE, 0)} of it"
)


def spending(runs: Mapping[str, Run], prices: Prices) -> list[str]:
    """Of the runs whose figures may be quoted."""
    good = [run for run in runs.values() if usable(run)]
    found: list[str] = []
    for run in good:
        if run.info.scenario == SCENARIO:
            found += _pooling(run)
        else:
            found += [*_connections(run), *_heads(run), *_waste(run, prices)]
    billed = {run.name: bill(run, prices) for run in good if run.info.scenario != SCENARIO}
    return [*found, *_largest(billed, prices)]


def _pooling(run: Run) -> Iterator[str]:
    found = [(one, one.extra) for one in contrasts(run) if one.extra is not None and one.extra.low > 0]
    if found:
        told = "; ".join(
            f"{one.title} {figure(extra.value, one.unit)} more ({figure(extra.low)} to {figure(extra.high)})"
            for one, extra in found
        )
        yield f"Keep connections to providers (`pooling`, the default). A new one for each call costs: {told}."


def _connections(run: Run) -> Iterator[str]:
    for one in traffic(run):
        if one.opened is not None and one.opened / one.calls > OFTEN_OPENED:
            yield (
                f"{one.provider.upper()} opened {figure(one.opened)} connections for {figure(one.calls)} calls per job "
                f"in `{run.name}`: they are not kept. Look whether the provider closes them, or for calls that fail."
            )


def _heads(run: Run) -> Iterator[str]:
    for one in traffic(run):
        beyond = one.both.overhead
        if beyond is not None and beyond > HEAVY_HEADS:
            yield (
                f"The wire carries {percent(beyond)} beyond the payload of {one.provider.upper()} in `{run.name}`: "
                "fewer, larger requests or shorter heads would save it."
            )


def _waste(run: Run, prices: Prices) -> Iterator[str]:
    whole, lost = bill(run, prices).whole, wasted(run, prices)
    if whole and lost / whole > WASTE:
        yield (
            f"{percent(lost / whole)} of the cost of `{run.name}` paid for answers of no use ({figure(lost)} "
            f"{prices.currency} of {figure(whole)}): have the provider check them, or ask for smaller ones."
        )


def _largest(bills: Mapping[str, Bill], prices: Prices) -> Iterator[str]:
    """Of the bill of the most jobs."""
    name, found = max(bills.items(), key=lambda one: one[1].jobs, default=("", None))
    if found is None or not found.whole:
        return
    item = max(found.items, key=lambda one: one.money or 0.0)
    share = (item.money or 0.0) / found.whole
    if share > LARGE:
        yield (
            f"The largest item of the cost of `{name}` is {item.title}: {figure(found.of_1000(item))} of "
            f"{figure(found.per_1000)} {prices.currency} per 1,000 jobs, {percent(share)}. Save there first; halving "
            f"all the rest together saves {percent((1 - share) / 2)}."
        )
