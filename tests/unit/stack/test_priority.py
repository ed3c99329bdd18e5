import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from stack.priority import BACK, FIRST, go_first, step_back


def test_processes_step_back_with_their_threads_and_one_that_has_ended_is_left_out() -> None:
    program = "import threading, time; threading.Thread(target=time.sleep, args=(60,)).start(); print(flush=True)"
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, start_new_session=True) as process:
        assert process.stdout
        process.stdout.readline()
        with subprocess.Popen([sys.executable, "-c", ""], start_new_session=True) as ended:
            ended.wait()
        asyncio.run(step_back([ended.pid, process.pid]))
        threads = [int(path.name) for path in Path(f"/proc/{process.pid}/task").iterdir()]
        found = [os.getpriority(os.PRIO_PROCESS, thread) for thread in threads]
        autogroup = Path(f"/proc/{process.pid}/autogroup")
        session = autogroup.read_text() if autogroup.exists() else None
        process.kill()
    assert found == [BACK] * 2
    if session is None:
        pytest.skip("this kernel has no autogroups")
    assert session.endswith(f"nice {BACK}\n")


def test_a_process_goes_first_where_we_may_let_it() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, start_new_session=True) as process:
        asyncio.run(go_first([process.pid]))
        found = os.getpriority(os.PRIO_PROCESS, process.pid)
        process.kill()
    try:
        os.setpriority(os.PRIO_PROCESS, 0, os.getpriority(os.PRIO_PROCESS, 0) - 1)
    except PermissionError:
        assert found == 0
        return
    os.setpriority(os.PRIO_PROCESS, 0, os.getpriority(os.PRIO_PROCESS, 0) + 1)
    assert found == FIRST
