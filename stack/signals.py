"""Ctrl-C and SIGTERM as an orderly end: the task is cancelled, and what it holds is put away."""

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def cancelled_by_signals() -> Iterator[list[signal.Signals]]:
    """Within it, a stopping signal cancels the current task; gives the list of those that came.

    A further signal cannot cut short what `to_the_end` protects. For the main thread only.
    """
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()
    assert task
    came: list[signal.Signals] = []

    def stop(number: signal.Signals) -> None:
        came.append(number)
        task.cancel()

    for number in STOPPING:
        loop.add_signal_handler(number, stop, number)
    try:
        yield came
    finally:
        for number in STOPPING:
            loop.remove_signal_handler(number)
