"""CPU time of jobs by Prometheus beside an account that shares nothing with it: the kernel's clock of each process."""

import asyncio
import math
import sys
import time
from pathlib import Path

import httpx
import pytest

from reporter.prometheus import settled
from reporter.queries import collect
from stack.clock import UNMEASURED, cpu_of
from stack.local import LocalStack
from stack.parts import COMMANDS
from tests.test_data_helper import UploadableDocument, end_of, submit

JOBS, AT_ONCE = 32, 8
PLANTED = (sys.executable, "-m", "tests.integration.planted_worker", "forget_system_time")
TOLERANCE = 0.05


async def work(stack: LocalStack, document: UploadableDocument, jobs: int) -> None:
    turns = asyncio.Semaphore(AT_ONCE)
    async with httpx.AsyncClient(base_url=stack.api_url, timeout=60, trust_env=False) as api:

        async def one() -> None:
            async with turns:
                assert (await end_of(api, await submit(api, document)))["status"] == "completed"

        async with asyncio.TaskGroup() as group:
            for _ in range(jobs):
                group.create_task(one())


async def ratio(stack: LocalStack, document: UploadableDocument) -> float:
    """CPU seconds of the same jobs by Prometheus, over those by the kernel."""
    ours = [name for name in stack.processes if name not in UNMEASURED]
    await work(stack, document, AT_ONCE)
    start, before = await settled(stack.prometheus_url, time.time(), 20, ours), cpu_of(stack)
    await work(stack, document, JOBS)
    end, after = await settled(stack.prometheus_url, time.time(), 20, ours), cpu_of(stack)
    answers = await collect(stack.prometheus_url, start, end)
    told = math.fsum(sample.value or 0.0 for sample in answers.samples("cpu.modes"))
    print(f"per job: {1000 * told / JOBS:.1f} ms by Prometheus, {1000 * (after - before) / JOBS:.1f} ms by the kernel")  # noqa: T201 - a figure for whoever reads the log
    return told / (after - before)


async def test_prometheus_and_the_kernel_tell_the_same_cpu_time(
    tmp_path: Path, mock_file_context: UploadableDocument
) -> None:
    async with LocalStack(tmp_path / "logs") as stack:
        assert await ratio(stack, mock_file_context) == pytest.approx(1.0, abs=TOLERANCE)


async def test_workers_that_forget_the_time_in_the_kernel_are_found_out(
    tmp_path: Path, mock_file_context: UploadableDocument
) -> None:
    async with LocalStack(tmp_path / "logs", commands={**COMMANDS, "worker": PLANTED}) as stack:
        assert await ratio(stack, mock_file_context) < 1 - TOLERANCE
