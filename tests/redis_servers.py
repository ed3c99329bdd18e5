"""A Redis of a test's own, set up as one of the stack's."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from stack.parts import Part
from stack.places import ROOT
from stack.ports import PortChooser
from stack.process import Child
from stack.programs import REDIS, Program, find_programs
from stack.readiness import answers, asker


@contextlib.asynccontextmanager
async def running_redis(store: Callable[[Program, int, Path], Part], folder: Path) -> AsyncIterator[tuple[Part, Child]]:
    """`store` makes the part of a program, a port and the folder that it may use. It answers when it is yielded."""
    program = (await asyncio.to_thread(find_programs))[REDIS.name]
    part = store(program, PortChooser().choose(), folder)
    child = await Child.start(part.name, part.argv, log=folder / "redis.log", env=dict(part.env), cwd=ROOT)
    try:
        async with asker() as session:
            await child.wait_ready(lambda: answers(part.ready_url, session), 20)
        yield part, child
    finally:
        await child.stop(5)
