"""Warm processes for work that must not harm or hold up the worker: parsing documents, encoding video.

A task that crashes, hangs or eats memory ends its own process only; the others go on and a new one takes its place.
"""

import asyncio
import contextlib
import logging
import os
import socket
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Self

import orjson

from contract.errors import ReelbenchError
from contract.jobs import ErrorCode
from workers.errors import StageError

log = logging.getLogger(__name__)

GRACE = 1.0
"""Seconds after its limit at which a process that did not end itself is killed."""


class SandboxDiedError(ReelbenchError):
    """The process of a task ended before its answer: a crash, or its time or memory limit."""


@dataclass(frozen=True, slots=True)
class Result:
    value: dict[str, Any]
    cpu: float
    """CPU seconds that the task took."""


class _Process:
    def __init__(
        self, process: asyncio.subprocess.Process, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.process = process
        self._reader = reader
        self._writer = writer

    @classmethod
    async def start(cls, memory_bytes: int) -> Self:
        ours, theirs = socket.socketpair()
        with theirs:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "workers.sandbox.child",
                str(memory_bytes),
                stdin=theirs.fileno(),
                env={"PATH": os.defpath, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "LANG": "C.UTF-8"},
            )
        reader, writer = await asyncio.open_connection(sock=ours)
        return cls(process, reader, writer)

    async def ask(self, request: bytes) -> dict[str, Any]:
        self._writer.write(len(request).to_bytes(4) + request)
        await self._writer.drain()
        size = int.from_bytes(await self._reader.readexactly(4))
        answer: dict[str, Any] = orjson.loads(await self._reader.readexactly(size))
        return answer

    async def end(self) -> None:
        self._writer.close()
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        await self.process.wait()


class Sandbox:
    def __init__(self, processes: int, memory_bytes: int) -> None:
        self._size = processes
        self._memory_bytes = memory_bytes
        self._idle: asyncio.LifoQueue[_Process] = asyncio.LifoQueue()
        self._all: set[_Process] = set()
        self._background: set[asyncio.Task[None]] = set()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Self]:
        await asyncio.gather(*(self._add() for _ in range(self._size)))
        try:
            yield self
        finally:
            for task in self._background:
                task.cancel()
            await asyncio.gather(*(process.end() for process in self._all))

    async def _add(self) -> None:
        process = await _Process.start(self._memory_bytes)
        self._all.add(process)
        self._idle.put_nowait(process)

    async def run(self, task: str, limit: float, **args: object) -> Result:
        """Runs one of `child.TASKS` for at most `limit` seconds.

        Raises StageError when the task itself refuses, SandboxDiedError when its process ended. When the caller is
        cancelled, the task goes on in the background until its end and its answer is dropped.
        """
        request = orjson.dumps({"task": task, "limit": limit, "args": args})
        process = await self._idle.get()
        asked = asyncio.create_task(self._ask(process, request, limit))
        try:
            answer = await asyncio.shield(asked)
        except asyncio.CancelledError:
            self._keep(asyncio.create_task(_drop(asked)))
            raise
        if error := answer.get("error"):
            raise StageError(ErrorCode(error["code"]), error["message"])
        return Result(answer["result"], answer["cpu"])

    async def _ask(self, process: _Process, request: bytes, limit: float) -> dict[str, Any]:
        try:
            async with asyncio.timeout(limit + GRACE):
                answer = await process.ask(request)
        except (TimeoutError, OSError, EOFError):
            self._all.discard(process)
            await process.end()
            log.warning("a sandboxed task ended its process (status %s)", process.process.returncode)
            self._keep(asyncio.create_task(self._add()))
            raise SandboxDiedError(
                f"The work was given up: it took more than {limit:.0f} s or more memory than allowed, or crashed."
            ) from None
        self._idle.put_nowait(process)
        return answer

    def _keep(self, task: asyncio.Task[None]) -> None:
        self._background.add(task)
        task.add_done_callback(self._background.discard)


async def _drop(asked: asyncio.Task[dict[str, Any]]) -> None:
    with contextlib.suppress(SandboxDiedError):
        await asked
