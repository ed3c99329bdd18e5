"""A job that may have killed the process it ran in runs alone, in a process of its own, so that no other dies with it.

If that process dies and its worker lives to see it, the job is what killed it: it is given up, with the reason. When
the worker dies too, nothing is proven, and the job is tried again.
"""

import asyncio
import logging
import sys
from typing import Any

import orjson
from pydantic import TypeAdapter

from contract.jobs import ErrorCode, JobError, Outcome, Stage, Timings
from contract.ledger import Claim, Ending
from workers.pipeline import Report, count_stage
from workers.providers.http import count_call
from workers.render import withdraw
from workers.tools import Tools

log = logging.getLogger(__name__)

MODULE = "workers.alone_child"
LONGEST_LINE = 2**24
START_BOUND = 30.0
"""Seconds beyond its deadline that a job may take alone, to load what it needs."""
CLAIM = TypeAdapter(Claim)
ENDING = TypeAdapter(Ending)


class Alone:
    """One such job at a time; the others wait, their leases kept."""

    def __init__(self, tools: Tools, module: str = MODULE) -> None:
        """`module` is what the process runs."""
        self._tools = tools
        self._module = module
        self._turn = asyncio.Lock()

    async def render(self, claim: Claim, report: Report) -> Ending:
        """As `render_video`. Raises RuntimeError when the process cannot even begin."""
        async with self._turn:
            self._tools.metrics.alone.inc()
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                self._module,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                limit=LONGEST_LINE,
            )
            ending = None
            try:
                async with asyncio.timeout(self._tools.workload.job_deadline + START_BOUND):
                    ending = await self._follow(process, claim, report)
            except TimeoutError:  # it keeps its own deadline, unless it blocks its loop
                ending = _quarantined(claim, "it answered no more")
            finally:
                if process.returncode is None:
                    process.kill()
                await process.wait()
                if ending is None or ending.outcome is Outcome.FAILED:
                    await withdraw(self._tools, claim)
        return ending

    async def _follow(self, process: asyncio.subprocess.Process, claim: Claim, report: Report) -> Ending:
        assert process.stdin
        assert process.stdout
        process.stdin.write(CLAIM.dump_json(claim) + b"\n")
        began = False
        async for line in process.stdout:
            said: dict[str, Any] = orjson.loads(line)
            if "ending" in said:
                ending = ENDING.validate_python(said["ending"])
                self._count(ending.timings)
                return ending
            began = True
            if "stage" in said:
                await report(Stage(said["stage"]), said["progress"])
        status = await process.wait()
        if not began:
            raise RuntimeError(f"the process for {claim.job_id} ended with status {status} before it began")
        log.error("job %s killed the process that it had for itself (status %d)", claim.job_id, status)
        return _quarantined(claim, f"signal {-status}" if status < 0 else f"status {status}")

    def _count(self, timings: Timings) -> None:
        """What the process measured belongs to this worker's metrics; nobody asks it for its own."""
        for stage in timings.stages:
            count_stage(stage, self._tools.metrics)
        for call in timings.calls:
            count_call(call, self._tools.metrics)


def _quarantined(claim: Claim, how: str) -> Ending:
    message = (
        f"The job was given up: {claim.crashes} workers died while they ran it, and then it killed a process that ran "
        f"nothing else ({how})."
    )
    return Ending(Outcome.FAILED, Timings(), error=JobError(code=ErrorCode.QUARANTINED, message=message))
