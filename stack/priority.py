"""A load generator that has to wait for a core measures itself: the processes of a stack can give way to it."""

import asyncio
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

NICE = 10
"""Weighs a ninth of 0 (sched(7)), and needs no rights. What the measured processes get of each other stays the same."""
PAUSE = 0.11
"""Seconds: the kernel takes such a change from a user ten times a second."""
TRIES = 20


async def step_back(leaders: Iterable[int]) -> None:
    """Lowers the priority of these processes' groups, threads included, to NICE; one that has ended is left out."""
    for pid in leaders:
        with suppress(ProcessLookupError, PermissionError):
            if os.getpriority(os.PRIO_PGRP, pid) < NICE:
                os.setpriority(os.PRIO_PGRP, pid, NICE)
        # Where the kernel is fair between sessions instead of processes, nice counts within a session only.
        for _ in range(TRIES):
            if _lowered(Path(f"/proc/{pid}/autogroup")):
                break
            await asyncio.sleep(PAUSE)


def _lowered(autogroup: Path) -> bool:
    """False when the kernel wants to be asked again later."""
    try:
        autogroup.write_text(str(NICE))
    except BlockingIOError:
        return False
    except OSError:  # no such kernel, no such process, or not ours: nothing that time would change
        return True
    return True
