import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path
from time import perf_counter

import psutil
import pytest

from contract.jobs import ErrorCode
from contract.settings import Workload
from workers.errors import StageError
from workers.sandbox.pool import Sandbox, SandboxDiedError

ROOT = Path(__file__).parents[3]
MEMORY = Workload().sandbox_memory_bytes
UNRULY = "tests.unit.workers.unruly_child"


@pytest.fixture(scope="module")
async def pool() -> AsyncIterator[Sandbox]:
    """Two processes that also know the unruly tasks."""
    async with Sandbox(2, MEMORY, UNRULY).running() as running:
        yield running


async def served(pool: Sandbox) -> set[int]:
    """The ids of the two processes that serve now; fails unless there soon are two."""
    async with asyncio.timeout(20):
        while True:
            naps = await asyncio.gather(*(pool.run("nap", 10, seconds=0.05) for _ in range(2)))
            if len(pids := {int(nap.value["pid"]) for nap in naps}) == 2:
                return pids


async def until(condition: Callable[[], bool], bound: float = 10) -> None:
    async with asyncio.timeout(bound):
        while not condition():  # noqa: ASYNC110 - other processes set no event of ours
            await asyncio.sleep(0.01)


def gone(pid: int) -> bool:
    with suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    return True


@pytest.mark.parametrize(
    ("task", "args"),
    [
        ("hang", {"deaf": False}),
        ("hang", {"deaf": True}),
        ("leave", {}),
        ("hog", {}),
        ("stumble", {}),
        ("no_such_task", {}),
    ],
    ids=["hangs", "hangs and hears no alarm", "exits", "takes too much memory", "raises", "is unknown"],
)
async def test_a_task_that_goes_wrong_ends_alone_and_the_pool_refills(
    pool: Sandbox, task: str, args: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.sandbox.pool.GRACE", 0.3)
    await served(pool)
    neighbour = asyncio.create_task(pool.run("nap", 10, seconds=0.3))
    await asyncio.sleep(0)
    began = perf_counter()
    with pytest.raises(SandboxDiedError, match=r"more than 0\.2 s"):
        await pool.run(task, 0.2, **args)
    assert perf_counter() - began < 5
    assert (await neighbour).value["pid"] in await served(pool)


@pytest.mark.parametrize("kills", [1, 2])
async def test_a_task_whose_process_is_killed_from_outside_gets_another_and_no_third(kills: int) -> None:
    """A kernel that runs out of memory says nothing of the document; twice in a row, nobody knows."""
    killed: list[int] = []
    async with Sandbox(1, MEMORY, UNRULY).running() as pool:

        def busy() -> list[int]:
            pids = [one.process.pid for one in pool._all if one.alive and one.process.pid not in killed]
            return pids if pool._idle.empty() else []

        task = asyncio.create_task(pool.run("nap", 10, seconds=0.5))
        for _ in range(kills):
            await until(lambda: bool(busy()))
            killed += busy()
            os.kill(killed[-1], signal.SIGKILL)
        if kills == 1:
            assert (await task).value["pid"] not in killed
        else:
            with pytest.raises(SandboxDiedError, match="killed from outside"):
                await task


async def test_a_process_that_is_killed_while_idle_fails_no_task(pool: Sandbox) -> None:
    for pid in await served(pool):
        os.kill(pid, signal.SIGKILL)
    await until(lambda: not any(process.alive for process in pool._all))
    await served(pool)


async def test_a_refusal_keeps_its_code_and_its_process(pool: Sandbox) -> None:
    before = await served(pool)
    with pytest.raises(StageError, match="no entry") as caught:
        await pool.run("refuse", 1)
    assert caught.value.code is ErrorCode.DOCUMENT_ENCRYPTED
    assert await served(pool) == before


async def test_more_tasks_than_processes_wait_their_turn(pool: Sandbox) -> None:
    results = await asyncio.gather(*(pool.run("nap", 5, seconds=0.02) for _ in range(8)))
    assert {result.value["pid"] for result in results} == await served(pool)


async def test_cancelled_callers_leave_the_pool_usable(pool: Sandbox) -> None:
    before = await served(pool)
    callers = [asyncio.create_task(pool.run("nap", 5, seconds=0.2)) for _ in range(4)]
    await asyncio.sleep(0.05)
    for caller in callers:
        caller.cancel()
    await asyncio.wait(callers, timeout=1)
    assert all(caller.cancelled() for caller in callers)
    assert await served(pool) == before


async def test_a_process_sees_none_of_our_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("T2V_PROVIDER_API_KEY", "sk-secret")
    async with Sandbox(1, MEMORY, UNRULY).running() as fresh:
        environment = (await fresh.run("environment", 5)).value
    assert set(environment) <= {"PATH", "PYTHONPATH", "LANG", "LC_CTYPE"}


async def test_a_pool_that_cannot_start_says_so() -> None:
    with pytest.raises(SandboxDiedError, match="before it was ready"):
        async with Sandbox(1, MEMORY, "antigravity_of_nobody").running():  # no such module
            pass


async def test_processes_have_loaded_their_libraries_before_they_are_offered() -> None:
    async with Sandbox(1, MEMORY).running() as fresh:
        (process,) = fresh._all
        loaded = {Path(library.path).name for library in psutil.Process(process.process.pid).memory_maps()}
    assert any(name.startswith("libavcodec") for name in loaded)
    assert any(name.startswith("libpdfium") for name in loaded)


async def test_nothing_is_left_running_afterwards() -> None:
    """Not even after a task was cut off, one was dropped and a process was about to be replaced."""
    me = psutil.Process()
    before = {child.pid for child in me.children(recursive=True)}
    async with Sandbox(2, MEMORY, UNRULY).running() as pool:
        dropped = asyncio.create_task(pool.run("nap", 60, seconds=60))
        await asyncio.sleep(0)
        dropped.cancel()
        with pytest.raises(SandboxDiedError):
            await pool.run("leave", 5)
    assert {child.pid for child in me.children(recursive=True)} == before


PARENT = f"""
import asyncio
from workers.sandbox.pool import Sandbox

async def main():
    async with Sandbox(2, {MEMORY}, "{UNRULY}").running() as pool:
        naps = await asyncio.gather(*(pool.run("nap", 10, seconds=0.1) for _ in range(2)))
        print(*(nap.value["pid"] for nap in naps), flush=True)
        await asyncio.sleep(60)

asyncio.run(main())
"""


async def test_processes_end_when_their_worker_is_killed() -> None:
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", PARENT, cwd=ROOT, stdout=subprocess.PIPE)
    try:
        assert parent.stdout
        pids = [int(pid) for pid in (await parent.stdout.readline()).split()]
    finally:
        parent.kill()
        await parent.wait()
    assert len(pids) == 2
    await until(lambda: all(map(gone, pids)))
