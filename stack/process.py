"""Child processes that cannot be left behind and whose death does not go unseen."""

import asyncio
import os
import shutil
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

from contract.errors import EnvironmentFault, ReelbenchError
from contract.guard import guard

_POLL = 0.02
_TAIL_LINES = 15
_TAIL_BYTES = 8192


class ChildDied(ReelbenchError):
    """A process of the stack ended although nobody asked it to; the message ends with the tail of its log."""

    exit_code = 3


class Child:
    """A running child process: in a session of its own, its output in a log file; it dies with its parent."""

    def __init__(self, name: str, log: Path, process: asyncio.subprocess.Process) -> None:
        self.name = name
        self.log = log
        self.pid = process.pid
        self._exit = asyncio.create_task(process.wait(), name=f"exit of {name}")

    @classmethod
    async def start(
        cls, name: str, argv: Sequence[str | Path], *, log: Path, env: Mapping[str, str], cwd: Path
    ) -> Self:
        """Raises EnvironmentFault if there is no such program. `env` is the whole environment."""
        if not shutil.which(argv[0]):
            raise EnvironmentFault(f"{name} cannot be started: there is no program {argv[0]}.")
        with log.open("ab") as output:
            process = await asyncio.create_subprocess_exec(
                *guard(),
                *argv,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                env=env,
                cwd=cwd,
            )
        return cls(name, log, process)

    @property
    def alive(self) -> bool:
        return not self._exit.done()

    async def wait(self) -> int:
        """Until it has ended; the exit status, negative for a signal."""
        return await asyncio.shield(self._exit)

    async def wait_ready(self, check: Callable[[], Awaitable[bool]], bound: float) -> None:
        """Until `check` holds. Raises ChildDied if the process ends first, EnvironmentFault after `bound` seconds."""
        try:
            async with asyncio.timeout(bound):
                while not await check():
                    if not self.alive:
                        raise self.death()
                    await asyncio.sleep(_POLL)
        except TimeoutError:
            raise EnvironmentFault(f"{self.name} was not ready within {bound:g} s; {self._log_tail()}") from None

    async def stop(self, grace: float) -> None:
        """SIGTERM, after `grace` seconds SIGKILL; processes that it started and left behind are killed with it."""
        with suppress(ProcessLookupError):
            if self.alive:
                os.kill(self.pid, signal.SIGTERM)
        try:
            await asyncio.wait_for(self.wait(), grace)
        except TimeoutError:
            self._kill_session()
            await self.wait()
        self._kill_session()

    async def kill(self) -> None:
        """SIGKILL, to the processes that it started too, as when a container or a machine dies."""
        self._kill_session()
        await self.wait()

    def pause(self) -> None:
        """SIGSTOP: its connections stay open and nobody answers on them."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGCONT)

    def death(self) -> ChildDied:
        """What to raise about a process that has ended by itself."""
        status = self._exit.result()
        how = f"exit status {status}" if status >= 0 else f"killed by {signal.Signals(-status).name}"
        return ChildDied(f"{self.name} ended by itself ({how}); {self._log_tail()}")

    def _kill_session(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)

    def _log_tail(self) -> str:
        with self.log.open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - _TAIL_BYTES))
            lines = log.read().decode(errors="replace").splitlines()[-_TAIL_LINES:]
        return f"the end of {self.log}:\n" + "\n".join(lines or ["(empty)"])
