"""Warm processes for work that must not harm or hold up the worker: parsing documents, encoding video.

A task that crashes, hangs or eats memory ends its own process only; the others go on and a new one takes its place.
"""

import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Self

import orjson

from contract.errors import ReelbenchError
from contract.guard import guard
from contract.jobs import ErrorCode
from workers.errors import StageError

log = logging.getLogger(__name__)

GRACE = 1.0
"""Seconds after its limit at which a process that did not end itself is killed."""
RESTART_DELAY = 1.0


class SandboxDiedError(ReelbenchError):
    """The process of a task ended before its answer: a crash, or its time or memory limit."""


class SandboxKilledError(SandboxDiedError):
    """Somebody else ended the process, as the kernel does when it runs out of memory."""


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
    async def start(cls, module: str, memory_bytes: int) -> Self:
        """Returns once the process has loaded what it needs. Raises OSError or SandboxDiedError when it cannot."""
        ours, theirs = socket.socketpair()
        with theirs:
            process = await asyncio.create_subprocess_exec(
                *guard(),
                sys.executable,
                "-m",
                module,
                str(memory_bytes),
                stdin=theirs.fileno(),
                env={"PATH": os.defpath, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "LANG": "C.UTF-8"},
            )
        reader, writer = await asyncio.open_connection(sock=ours)
        started, ready = cls(process, reader, writer), False
        try:
            await reader.readexactly(1)
        except (OSError, EOFError):
            raise SandboxDiedError("A sandboxed process ended before it was ready; the log above says why.") from None
        else:
            ready = True
        finally:
            if not ready:
                await started.end()
        return started

    @property
    def alive(self) -> bool:
        return self.process.returncode is None and not self._reader.at_eof()

    async def ask(self, request: bytes) -> dict[str, Any]:
        """Raises OSError or EOFError when the process ends first."""
        self._writer.write(len(request).to_bytes(4) + request)
        await self._writer.drain()
        size = int.from_bytes(await self._reader.readexactly(4))
        answer: dict[str, Any] = orjson.loads(await self._reader.readexactly(size))
        return answer

    async def was_killed(self) -> bool:
        """Of one that hung up: by whom, other than itself and its own limits, is not known."""
        with contextlib.suppress(TimeoutError):
            return await asyncio.wait_for(self.process.wait(), GRACE) == -signal.SIGKILL
        return False

    async def end(self) -> None:
        self._writer.close()
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        await self.process.wait()


class Sandbox:
    """`module` is what runs in each process: `workers.sandbox.child` or one that adds tasks to it."""

    def __init__(self, processes: int, memory_bytes: int, module: str = "workers.sandbox.child") -> None:
        self._size = processes
        self._memory_bytes = memory_bytes
        self._module = module
        self._idle: asyncio.LifoQueue[_Process] = asyncio.LifoQueue()
        self._all: set[_Process] = set()
        self._background: set[asyncio.Task[None]] = set()
        self._closing = False

    @property
    def pids(self) -> list[int]:
        return [process.process.pid for process in self._all.copy()]

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Self]:
        try:
            started = await asyncio.gather(*(self._add() for _ in range(self._size)), return_exceptions=True)
            for failure in filter(None, started):
                raise failure
            yield self
        finally:
            self._closing = True
            while self._all or self._background:  # a process that was just starting is ended in the second round
                ending, self._all = self._all, set()
                await asyncio.gather(*(process.end() for process in ending), *self._background)

    async def _add(self) -> None:
        process = await _Process.start(self._module, self._memory_bytes)
        self._all.add(process)
        self._idle.put_nowait(process)

    async def _replace(self) -> None:
        """A new process for one that ended, as soon as the machine lets us start one."""
        while not self._closing:
            try:
                await self._add()
            except (OSError, SandboxDiedError) as error:
                log.warning("a sandbox process cannot be started (%s); trying again", error)
                await asyncio.sleep(RESTART_DELAY)
            else:
                break

    async def run(self, task: str, limit: float, **args: object) -> Result:
        """Runs one of `child.TASKS` for at most `limit` seconds; once more when somebody else killed its process.

        Raises StageError when the task itself refuses, SandboxDiedError when its process ended. When the caller is
        cancelled, the task goes on in the background until its end and its answer is dropped.
        """
        request = orjson.dumps({"task": task, "limit": limit, "args": args})
        try:
            answer = await self._answer(request, limit)
        except SandboxKilledError as error:
            log.warning("%s is tried again: %s", task, error)
            answer = await self._answer(request, limit)
        if refusal := answer.get("error"):
            raise StageError(ErrorCode(refusal["code"]), refusal["message"])
        return Result(answer["result"], answer["cpu"])

    async def _answer(self, request: bytes, limit: float) -> dict[str, Any]:
        while not (process := await self._idle.get()).alive:
            await self._bury(process)  # ended while it had nothing to do: no fault of this task
        asked = asyncio.create_task(self._ask(process, request, limit))
        try:
            return await asyncio.shield(asked)
        except asyncio.CancelledError:
            self._keep(asyncio.create_task(_drop(asked)))
            raise

    async def _ask(self, process: _Process, request: bytes, limit: float) -> dict[str, Any]:
        try:
            async with asyncio.timeout(limit + GRACE):
                answer = await process.ask(request)
        except (TimeoutError, OSError, EOFError) as error:
            killed = not isinstance(error, TimeoutError) and await process.was_killed()
            await self._bury(process)
            if killed:
                raise SandboxKilledError("The process of the work was killed from outside.") from None
            raise SandboxDiedError(
                f"The work was given up: it took more than {limit:g} s or more memory than allowed, or crashed."
            ) from None
        self._idle.put_nowait(process)
        return answer

    async def _bury(self, process: _Process) -> None:
        self._all.discard(process)
        self._keep(asyncio.create_task(self._replace()))
        await process.end()
        if not self._closing:
            log.warning("a sandbox process ended (status %s)", process.process.returncode)

    def _keep(self, task: asyncio.Task[None]) -> None:
        self._background.add(task)
        task.add_done_callback(self._background.discard)


async def _drop(asked: asyncio.Task[dict[str, Any]]) -> None:
    with contextlib.suppress(SandboxDiedError):
        await asked
