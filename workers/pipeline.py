"""The stages of a job, in order."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from contract.catalogue import STAGES_WITH_LABEL, WorkerMetrics
from contract.jobs import Stage, StageTiming
from workers.stages.assemble import assemble
from workers.stages.parse import parse
from workers.stages.publish import publish
from workers.stages.scenes import scenes
from workers.stages.script import script
from workers.tools import Tools
from workers.work import Work


class Step(NamedTuple):
    """`progress` is what a client reads while the stage runs, in percent; None where the stage is not worth a message:
    a claimed job is in the first one, and the last takes a millisecond.
    """

    stage: Stage
    progress: int | None
    run: Callable[[Work, Tools], Awaitable[None]]


PIPELINE = (
    Step(Stage.PARSE, None, parse),
    Step(Stage.SCRIPT, 10, script),
    Step(Stage.SCENES, 40, scenes),
    Step(Stage.ASSEMBLE, 80, assemble),
    Step(Stage.PUBLISH, None, publish),
)

Report = Callable[[Stage, int], Awaitable[None]]
"""Tells the ledger that a stage began."""


async def run_pipeline(work: Work, tools: Tools, report: Report) -> None:
    for step in PIPELINE:
        await _run_step(step, work, tools, report)


async def _run_step(step: Step, work: Work, tools: Tools, report: Report) -> None:
    """The report travels beside the stage, so that it costs the job no round trip."""
    start, began = time.time(), time.perf_counter()
    work.cpu = None
    reported = None if step.progress is None else asyncio.ensure_future(report(step.stage, step.progress))
    try:
        await step.run(work, tools)
    finally:
        seconds = time.perf_counter() - began
        timing = StageTiming(stage=step.stage, start=start, seconds=seconds, cpu=work.cpu)
        work.timings.stages.append(timing)
        count_stage(timing, tools.metrics)
        if reported is not None:
            await reported


def count_stage(timing: StageTiming, metrics: WorkerMetrics) -> None:
    label = STAGES_WITH_LABEL[timing.stage]
    metrics.stage_seconds.labels(label).observe(timing.seconds)
    if timing.cpu is not None:
        metrics.stage_cpu.labels(label).inc(timing.cpu)
