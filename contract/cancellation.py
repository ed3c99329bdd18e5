"""Cancellations that must not be lost, and work that they must not tear."""

import asyncio
from collections.abc import Awaitable


def was_cancelled() -> bool:
    """Whether the running task was cancelled, even if the cancellation was lost on its way.

    redis-py sends through `asyncio.wait_for`, which on Python 3.11 swallows one that comes as the sending ends.
    """
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def to_the_end(work: Awaitable[None]) -> None:
    """Awaits `work` to its end even if the waiting task is cancelled meanwhile; the cancellation follows then."""
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            cancelled = error
    task.result()
    if cancelled:
        raise cancelled
