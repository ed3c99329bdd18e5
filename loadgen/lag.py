"""The load generator's own event-loop lag: a generator that wakes up late measures itself."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from contract.histogram import LatencyHistogram

EVERY = 0.02


@contextlib.asynccontextmanager
async def watching_lag(histogram: LatencyHistogram) -> AsyncIterator[None]:
    """Observes every 20 ms how late the loop was."""
    task = asyncio.create_task(_watch(histogram))
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _watch(histogram: LatencyHistogram) -> None:
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + EVERY
        await asyncio.sleep(EVERY)
        histogram.observe(max(0.0, loop.time() - due))
