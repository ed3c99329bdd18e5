"""Connections kept against a new one for each call."""

from collections.abc import Mapping

from reporter.markdown import NO_DATA, NOT_RUN, figure, table
from reporter.pooling import SCENARIO, Contrast, contrasts
from reporter.runs import Run
from reporter.stamp import unquotable

METHOD = (
    "Blocks with pooling and without took turns, in an order in which a machine that drifts meets both alike; each "
    "started its workers anew, was warmed up, and asked for the same jobs, which met the same planned latencies. "
    "*Without pooling more by* is the difference within pairs of blocks, with its 95 % interval: Student's t over the "
    "pairs, since the jobs of one block share its workers and its moment. An interval that holds 0 shows no "
    "difference. Client and provider share a machine: over a real network each new connection costs a round trip "
    "more, and two with TLS."
)


def pooling(runs: Mapping[str, Run]) -> list[str]:
    run = runs.get(SCENARIO)
    why = unquotable(run)
    if run is None or why is not None:
        return [f"Scenario `{SCENARIO}`: {why or NOT_RUN}."]
    found = contrasts(run)
    if not found:
        return [f"`{run.name}` holds no pair of blocks with pooling and without: {NO_DATA}."]
    headers = ("Figure", "With pooling", "Without", "Without pooling more by", "95 % interval", "Pairs of blocks")
    return [METHOD, table(headers, [_row(one) for one in found], "lrrrrr")]


def _row(one: Contrast) -> tuple[str, ...]:
    pooled, unpooled = (figure(value, one.unit) for value in (one.pooled, one.unpooled))
    if one.extra is None:
        return one.title, pooled, unpooled, *(NO_DATA,) * 3
    interval = f"{figure(one.extra.low)} to {figure(one.extra.high, one.unit)}"
    return one.title, pooled, unpooled, figure(one.extra.value, one.unit), interval, str(one.extra.n)
