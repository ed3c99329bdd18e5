"""Processes that are ill-treated on request: their ends are no deaths, and they come back as they were."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable

import aiohttp
import psutil
import pytest

from stack.local import LocalStack
from stack.priority import BACK


@pytest.fixture
async def stack(new_stack: Callable[..., LocalStack]) -> AsyncIterator[LocalStack]:
    async with new_stack() as running:
        yield running


async def answers(url: str) -> bool:
    timeout = aiohttp.ClientTimeout(total=0.3)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        try:
            async with session.get(url) as answer:
                return answer.ok
        except (TimeoutError, aiohttp.ClientError):
            return False


async def test_members_are_named_by_their_role(stack: LocalStack) -> None:
    assert stack.fleet.members("worker") == ["worker-1", "worker-2"]
    assert stack.fleet.members("service") == ["service-1"]
    assert stack.fleet.members("redis") == ["redis"]


@pytest.mark.parametrize("how", ["kill", "terminate"])
async def test_a_process_ended_on_request_is_no_death_and_comes_back(stack: LocalStack, how: str) -> None:
    pid = stack.processes["service-1"]
    await getattr(stack.fleet, how)("service-1")
    assert not psutil.pid_exists(pid)
    assert "service-1" not in stack.processes
    assert not await answers(stack.api_url)
    for instance in ("service-1.2", "service-1.3"):
        await stack.fleet.start("service-1")
        assert stack.processes["service-1"] != pid
        assert await answers(stack.api_url)
        targets = {file.stem for file in (stack.data_dir.parent / "targets").glob("service*.json")}
        assert targets == {instance}, "its counters begin at 0, so it is another series"
        await getattr(stack.fleet, how)("service-1")
    assert not stack.deaths


async def test_a_process_that_is_started_again_gives_way_as_the_one_before_it(stack: LocalStack) -> None:
    await stack.fleet.step_back()
    await stack.fleet.kill("worker-1")
    await stack.fleet.start("worker-1")
    assert os.getpriority(os.PRIO_PGRP, stack.processes["worker-1"]) == BACK


async def test_a_paused_process_answers_nobody_until_it_is_resumed(stack: LocalStack) -> None:
    await stack.fleet.pause("service-1")
    assert not await answers(stack.api_url)
    await stack.fleet.resume("service-1")
    async with asyncio.timeout(5):
        while not await answers(stack.api_url):  # noqa: ASYNC110 - another process is waited for
            await asyncio.sleep(0.01)
    assert not stack.deaths


async def test_a_process_that_came_back_and_dies_by_itself_is_a_death(stack: LocalStack) -> None:
    await stack.fleet.kill("worker-1")
    await stack.fleet.start("worker-1")
    psutil.Process(stack.processes["worker-1"]).kill()
    assert "worker-1 ended by itself" in str(await asyncio.wait_for(stack.fleet.died, 5))
    assert stack.deaths == ["worker-1"]
