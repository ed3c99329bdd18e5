"""A load generator that has to wait for a core measures itself: it can go first, and the processes of a stack can give
way to it.
"""

import asyncio
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

BACK = 10
"""Weighs a ninth of 0 (sched(7)), and needs no rights. What the measured processes get of each other stays the same."""
FIRST = -10
"""Weighs nine times as much as 0; for those who have the right."""
PAUSE = 0.11
"""Seconds: the kernel takes such a change from a user ten times a second."""
TRIES = 20


async def step_back(leaders: Iterable[int]) -> None:
    """Lowers the priority of these processes' groups, threads included; one that has ended is left out."""
    for pid in leaders:
        with suppress(ProcessLookupError, PermissionError):
            if os.getpriority(os.PRIO_PGRP, pid) < BACK:
                os.setpriority(os.PRIO_PGRP, pid, BACK)
        await _renice_session(pid, BACK)


async def go_first(leaders: Iterable[int]) -> None:
    """Raises the priority of these processes' groups as far as we may; one that has ended is left out."""
    for pid in leaders:
        with suppress(ProcessLookupError, PermissionError):
            os.setpriority(os.PRIO_PGRP, pid, FIRST)
        await _renice_session(pid, FIRST)


async def _renice_session(pid: int, nice: int) -> None:
    """Where the kernel is fair between sessions instead of processes, nice counts within a session only."""
    for _ in range(TRIES):
        if _renice_autogroup(Path(f"/proc/{pid}/autogroup"), nice):
            break
        await asyncio.sleep(PAUSE)


def _renice_autogroup(autogroup: Path, nice: int) -> bool:
    """False when the kernel wants to be asked again later."""
    try:
        autogroup.write_text(str(nice))
    except BlockingIOError:
        return False
    except OSError:  # no such kernel, no such process, or not ours: nothing that time would change
        return True
    return True
