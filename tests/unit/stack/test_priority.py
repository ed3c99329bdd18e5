import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from stack.priority import NICE, step_back


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
    assert found == [NICE] * 2
    if session is None:
        pytest.skip("this kernel has no autogroups")
    assert session.endswith(f"nice {NICE}\n")
