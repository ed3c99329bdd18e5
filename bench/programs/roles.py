"""What the queues' programs share. Standard library only: it runs in the peers' environment as well.

A producer enqueues when its standard input says so; a worker writes down when each of its jobs began. All times are
nanoseconds of CLOCK_MONOTONIC, which the processes of one machine share.
"""

import os
import sys
import time
from collections.abc import Awaitable, Callable


def began() -> None:
    """To be the first line of a job."""
    os.write(1, b"%d\n" % time.monotonic_ns())


async def produce(enqueue: Callable[[], Awaitable[object]]) -> None:
    """For each number read, enqueues as many jobs one after another and answers when that began and ended."""
    for line in sys.stdin:
        start = time.monotonic_ns()
        for _ in range(int(line)):
            await enqueue()
        os.write(1, b"%d %d\n" % (start, time.monotonic_ns()))
