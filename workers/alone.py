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

from contract.guard import guard
from contract.jobs import ErrorCode, JobError, Outcome, Stage, Timings
from contract.ledger import Claim, Ending
from workers.pipeline import Report, count_stage
from workers.providers.connections import take_over
from workers.providers.http import count_call
from workers.render import withdraw
from workers.tools import Tools

log = logging.getLogger(__name__)

MODULE = "workers.alone_child"
LONGEST_LINE = 2**24
START_BOUND = 30.0
"""Seconds within which the process must have loaded what it needs."""
GRACE = 10.0
"""Seconds after its deadline until a job that should have kept it is taken for one that holds its process up."""
CLAIM = TypeAdapter(Claim)
ENDING = TypeAdapter(Ending)


class Alone:
    """One process for each such job; it takes as much memory as a worker."""

    def __init__(
        self, tools: Tools, module: str = MODULE, start_bound: float = START_BOUND, grace: float = GRACE
    ) -> None:
        """`module` is what the process runs; the bounds are in seconds."""
        self._tools = tools
        self._module = module
        self._start_bound = start_bound
        self._grace = grace
        self._running: set[int] = set()

    @property
    def pids(self) -> list[int]:
        return list(self._running.copy())

    async def render(self, claim: Claim, report: Report) -> Ending:
        """As `render_video`. Raises RuntimeError when the process cannot even begin."""
        self._tools.metrics.alone.inc()
        process = await asyncio.create_subprocess_exec(
            *guard(),
            sys.executable,
            "-m",
            self._module,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=LONGEST_LINE,
        )
        ending = None
        self._running.add(process.pid)
        try:
            await self._begin(process, claim)
            ending = await self._follow(process, claim, report)
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()
            self._running.discard(process.pid)
            if ending is None or ending.outcome is Outcome.FAILED:
                await withdraw(self._tools, claim)
        return ending

    async def _begin(self, process: asyncio.subprocess.Process, claim: Claim) -> None:
        """Until the job's own work begins. What fails before is none of its fault: RuntimeError."""
        assert process.stdin
        assert process.stdout
        process.stdin.write(CLAIM.dump_json(claim) + b"\n")
        try:
            async with asyncio.timeout(self._start_bound):
                if await process.stdout.readline():
                    return
                why = f"ended with status {await process.wait()} before it began"
        except TimeoutError:
            why = f"did not begin within {self._start_bound:g} s"
        raise RuntimeError(f"the process for {claim.job_id} {why}")

    async def _follow(self, process: asyncio.subprocess.Process, claim: Claim, report: Report) -> Ending:
        try:
            async with asyncio.timeout(self._tools.workload.job_deadline + self._grace):
                if ending := await self._told(process, report):
                    self._count(ending.timings)
                    return ending
                status = await process.wait()
        except TimeoutError:  # it keeps its own deadline, unless it blocks its loop
            return _quarantined(claim, "held up", "it answered no more")
        log.error("job %s killed the process that it had for itself (status %d)", claim.job_id, status)
        return _quarantined(claim, "killed", f"signal {-status}" if status < 0 else f"status {status}")

    async def _told(self, process: asyncio.subprocess.Process, report: Report) -> Ending | None:
        """The ending that the process tells, passing on its reports; None when it dies without one."""
        assert process.stdout
        async for line in process.stdout:
            said: dict[str, Any] = orjson.loads(line)
            if "ending" in said:
                take_over(said["wire_bytes"], self._tools.metrics.wire_bytes)
                take_over(said["connections"], self._tools.metrics.connections)
                return ENDING.validate_python(said["ending"])
            await report(Stage(said["stage"]), said["progress"])
        return None

    def _count(self, timings: Timings) -> None:
        """What the process measured belongs to this worker's metrics; nobody asks it for its own."""
        for stage in timings.stages:
            count_stage(stage, self._tools.metrics)
        for call in timings.calls:
            count_call(call, self._tools.metrics)


def _quarantined(claim: Claim, what: str, how: str) -> Ending:
    message = (
        f"The job was given up: {claim.crashes} workers died while they ran it, and then it {what} a process that ran "
        f"nothing else ({how})."
    )
    return Ending(Outcome.FAILED, Timings(), error=JobError(code=ErrorCode.QUARANTINED, message=message))
