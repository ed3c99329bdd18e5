"""The lag of an event loop: how late it wakes up, and with it whatever else was due on it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from contract.histogram import LatencyHistogram

EVERY = 0.1
"""Seconds between two looks; each costs about 20 µs of CPU."""


@contextlib.asynccontextmanager
async def watching_lag(histogram: LatencyHistogram, every: float = EVERY) -> AsyncIterator[None]:
    """Observes every so many seconds how late the loop was. uvloop's timers count whole milliseconds, so that up to
    one of them is its own.

    While the loop is held up no look can be taken, and those that were due meanwhile are made up for, each as late as
    it was: else a long stall would be one observation (coordinated omission).
    """
    task = asyncio.create_task(_watch(histogram, every))
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _watch(histogram: LatencyHistogram, every: float) -> None:
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + every
        await asyncio.sleep(every)
        late = max(0.0, loop.time() - due)
        histogram.observe(late)
        while (late := late - every) > 0:
            histogram.observe(late)
