"""What it costs to open a connection for each call, from blocks with and without pooling that took turns.

Both kinds of block ask for the same jobs, so differences are taken within pairs of neighbouring blocks, and what a pair
shares (planned latencies, the state of the machine) falls out. The pairs are what an interval counts: the jobs of one
block share its workers and its moment, so that they are no independent samples of either.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean

from contract.jobs import Outcome
from reporter.cost import cost
from reporter.network import traffic
from reporter.runs import Run
from reporter.statistics import Estimate, paired_mean, percentile, total

SCENARIO = "pooling"


@dataclass(frozen=True, slots=True)
class Contrast:
    """Means over pairs of blocks. `extra` is what there is more of without pooling; None of fewer than two pairs."""

    name: str
    title: str
    unit: str
    pooled: float | None
    unpooled: float | None
    extra: Estimate | None


Blocks = Sequence[tuple[Run, Run]]
Compared = tuple[float | None, float | None]
"""A figure with pooling and without."""


def contrasts(run: Run) -> list[Contrast]:
    """Of a run whose rungs are blocks of both kinds. Without pairs, none."""
    blocks = _blocks(run)
    if not blocks:
        return []
    return [
        _compared("response", "response time, mean", "ms", [_each(pair, fmean) for pair in blocks]),
        _compared("p50", "response time, P50", "ms", [_each(pair, lambda ms: percentile(ms, 0.5)) for pair in blocks]),
        _of_blocks("opened", "connections opened per job", "", blocks, _opened),
        _of_blocks("wire", "bytes on the wire per job", "kB", blocks, _wire),
        _of_blocks("cpu", "CPU of the service per job", "ms", blocks, lambda block: _cpu(block, None)),
        _of_blocks("worker_cpu", "CPU of the workers per job", "ms", blocks, lambda block: _cpu(block, "worker")),
    ]


def _blocks(run: Run) -> Blocks:
    """(pooled, unpooled), in the order in which they were measured."""
    ordered = sorted(run.parts, key=lambda part: part.ended)
    pooled, unpooled = ([part for part in ordered if part.info.workload.get("pooling") is on] for on in (True, False))
    return list(zip(pooled, unpooled, strict=False))


def _each(pair: tuple[Run, Run], figure: Callable[[Sequence[float]], float]) -> Compared:
    """Of the milliseconds of the jobs that completed in both blocks."""
    pooled, unpooled = map(_by_key, pair)
    both = sorted(pooled.keys() & unpooled.keys())
    return (figure([pooled[key] for key in both]), figure([unpooled[key] for key in both])) if both else (None, None)


def _by_key(block: Run) -> dict[str, float]:
    return {
        job.seed_key: 1000 * job.response_seconds
        for job in block.measured
        if job.response_seconds is not None and job.outcome is Outcome.COMPLETED
    }


def _of_blocks(name: str, title: str, unit: str, blocks: Blocks, figure: Callable[[Run], float | None]) -> Contrast:
    return _compared(name, title, unit, [(figure(pooled), figure(unpooled)) for pooled, unpooled in blocks])


def _compared(name: str, title: str, unit: str, found: Sequence[Compared]) -> Contrast:
    pairs = [(one, other) for one, other in found if one is not None and other is not None]
    pooled, unpooled = (fmean(side) for side in zip(*pairs, strict=True)) if pairs else (None, None)
    return Contrast(name, title, unit, pooled, unpooled, paired_mean(pairs))


def _opened(block: Run) -> float | None:
    return total(one.opened for one in traffic(block))


def _wire(block: Run) -> float | None:
    whole = total(one.both.wire for one in traffic(block))
    return None if whole is None else whole / 1000


def _cpu(block: Run, part: str | None) -> float | None:
    found = cost(block)
    if found is None:
        return None
    return 1000 * (found.service if part is None else found.parts[part])
