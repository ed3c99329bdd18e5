import asyncio
import os
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from contract.cancellation import to_the_end
from contract.errors import EnvironmentFault
from stack.process import Child, ChildDied

ROOT = Path(__file__).resolve().parents[3]


async def start(tmp_path: Path, script: str) -> Child:
    return await Child.start(
        "piper", [sys.executable, "-u", "-c", script], log=tmp_path / "piper.log", env=os.environ, cwd=tmp_path
    )


async def until(condition: Callable[[], object], bound: float = 5) -> bool:
    end = time.monotonic() + bound
    while not condition() and time.monotonic() < end:  # noqa: ASYNC110 - another process is waited for
        await asyncio.sleep(0.01)
    return bool(condition())


async def never() -> bool:
    return False


async def test_a_child_that_dies_is_reported_with_the_last_15_lines_of_its_log(tmp_path: Path) -> None:
    child = await start(tmp_path, "for n in range(40): print('line', n)\nraise SystemExit(7)")
    with pytest.raises(ChildDied) as caught:
        await child.wait_ready(never, bound=5)
    message = str(caught.value)
    assert "piper ended by itself (exit status 7)" in message
    assert message.splitlines()[1:] == [f"line {n}" for n in range(25, 40)]


async def test_a_child_that_is_not_ready_in_time_is_reported_with_its_log(tmp_path: Path) -> None:
    child = await start(tmp_path, "import time; print('still tuning'); time.sleep(60)")
    await until(child.log.read_bytes)
    with pytest.raises(EnvironmentFault, match=r"piper was not ready within 0\.1 s(.|\n)*still tuning"):
        await child.wait_ready(never, bound=0.1)
    await child.stop(grace=5)
    assert not child.alive


async def test_a_program_that_is_missing_is_reported(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFault, match=r"piper cannot be started: there is no program .*absent"):
        await Child.start("piper", [tmp_path / "absent"], log=tmp_path / "log", env=os.environ, cwd=tmp_path)


async def test_a_child_that_ignores_sigterm_is_killed_with_the_processes_it_started(tmp_path: Path) -> None:
    child = await start(
        tmp_path,
        "import signal, subprocess, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "print(subprocess.Popen(['sleep', '60']).pid); time.sleep(60)",
    )
    await until(lambda: child.log.read_text().endswith("\n"))
    grandchild = int(child.log.read_text())
    await child.stop(grace=0.1)
    assert await until(lambda: not alive(grandchild))
    assert await child.wait() == -9


async def test_processes_that_a_child_leaves_behind_end_with_it(tmp_path: Path) -> None:
    child = await start(
        tmp_path, "import subprocess, time; print(subprocess.Popen(['sleep', '60']).pid); time.sleep(60)"
    )
    await until(lambda: child.log.read_text().endswith("\n"))
    grandchild = int(child.log.read_text())
    await child.stop(grace=5)
    assert await until(lambda: not alive(grandchild))


@pytest.mark.skipif(not shutil.which("setpriv"), reason="needs util-linux")
async def test_a_child_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    script = (
        "import asyncio, os, pathlib, sys\nfrom stack.process import Child\n"
        "async def main():\n"
        "    here = pathlib.Path(sys.argv[1])\n"
        "    child = await Child.start('c', ['sleep', '60'], log=here / 'log', env=os.environ, cwd=here)\n"
        "    print(child.pid, flush=True)\n"
        "    await child.wait()\n"
        "asyncio.run(main())\n"
    )
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, str(tmp_path), stdout=asyncio.subprocess.PIPE, cwd=ROOT
    )
    assert parent.stdout
    pid = int(await parent.stdout.readline())
    # the kernel is told on whose death to act by a program that the child runs first; only then is the child itself
    assert await until(lambda: psutil.Process(pid).name() == "sleep")
    parent.kill()
    await parent.communicate()
    assert await until(lambda: not alive(pid))


async def test_work_that_must_end_ends_in_spite_of_cancellations() -> None:
    done = []

    async def work() -> None:
        for _ in range(5):
            await asyncio.sleep(0)
        done.append(True)

    task = asyncio.create_task(to_the_end(work()))
    for _ in range(3):
        await asyncio.sleep(0)
        task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert done


def alive(pid: int) -> bool:
    """Dead is also who only waits for its new parent to take notice."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
