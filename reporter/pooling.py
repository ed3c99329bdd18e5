"""What it costs to open a connection for each call, from blocks with and without pooling that took turns.

Both kinds of block ask for the same jobs, so differences are taken pair by pair: of a job with the one of the same seed
key, of a block with the one of the same number. What a pair shares (planned latencies, the state of the machine) then
falls out.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from contract.jobs import Outcome
from reporter.cost import cost
from reporter.network import traffic
from reporter.runs import Run
from reporter.statistics import Estimate, paired_mean, paired_median, percentile, total

SCENARIO = "pooling"


@dataclass(frozen=True, slots=True)
class Contrast:
    """`extra` is what there is more of without pooling; None where nothing could be compared."""

    name: str
    title: str
    unit: str
    pairs: str
    """Of what."""
    pooled: float | None
    unpooled: float | None
    extra: Estimate | None


Blocks = Sequence[tuple[Run, Run]]


def contrasts(run: Run) -> list[Contrast]:
    """Of a run whose rungs are blocks of both kinds. Without pairs, none."""
    blocks = _blocks(run)
    if not blocks:
        return []
    responses = _responses(blocks)
    return [
        Contrast(
            "response",
            "response time, mean",
            "ms",
            "jobs",
            *_both(responses, lambda values: math.fsum(values) / len(values)),
            paired_mean(responses),
        ),
        Contrast(
            "p50",
            "response time, P50",
            "ms",
            "jobs",
            *_both(responses, lambda values: percentile(values, 0.5)),
            paired_median(responses),
        ),
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


def _responses(blocks: Blocks) -> list[tuple[float, float]]:
    """Milliseconds of the jobs that completed in both blocks of a pair."""
    return [
        (pooled[key], unpooled[key])
        for one, other in blocks
        for pooled, unpooled in [(_by_key(one), _by_key(other))]
        for key in pooled.keys() & unpooled.keys()
    ]


def _by_key(block: Run) -> dict[str, float]:
    return {
        job.seed_key: 1000 * job.response_seconds
        for job in block.measured
        if job.response_seconds is not None and job.outcome is Outcome.COMPLETED
    }


def _of_blocks(name: str, title: str, unit: str, blocks: Blocks, figure: Callable[[Run], float | None]) -> Contrast:
    found = [(figure(pooled), figure(unpooled)) for pooled, unpooled in blocks]
    pairs = [(one, other) for one, other in found if one is not None and other is not None]
    mean = _both(pairs, lambda values: math.fsum(values) / len(values))
    return Contrast(name, title, unit, "blocks", *mean, paired_mean(pairs))


def _both(
    pairs: Sequence[tuple[float, float]], figure: Callable[[Sequence[float]], float]
) -> tuple[float | None, float | None]:
    if not pairs:
        return None, None
    pooled, unpooled = zip(*pairs, strict=True)
    return figure(pooled), figure(unpooled)


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
