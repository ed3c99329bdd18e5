"""What every bench stands on: helper programs that talk in lines, a Redis of our own, the peers' environment."""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

from contract.cancellation import to_the_end
from contract.errors import EnvironmentFault
from contract.guard import guard
from stack.parts import queue_store
from stack.places import ROOT, cache_dir
from stack.ports import PortChooser
from stack.process import Child
from stack.programs import REDIS, find_programs
from stack.readiness import answers, asker

READY_BOUND = 20.0
LOCK_FILE = ROOT / "requirements-bench.lock"


@dataclass(frozen=True, slots=True)
class Rig:
    """`folder` is for files that nobody needs afterwards; `say` takes a line of progress."""

    folder: Path
    say: Callable[[str], None]


class Program:
    """A helper program: its standard output is read line by line, its errors go to a log in the rig's folder."""

    def __init__(self, name: str, process: asyncio.subprocess.Process, log: Path) -> None:
        self._name = name
        self._process = process
        self._log = log
        self.pid = process.pid

    async def read(self) -> str:
        """The next line. Raises EnvironmentFault when the program has ended instead."""
        assert self._process.stdout
        line = await self._process.stdout.readline()
        if not line:
            tail = self._log.read_text(encoding="utf-8", errors="replace")[-2000:]
            raise EnvironmentFault(f"{self._name} ended before it had said what it should; the end of its log:\n{tail}")
        return line.decode().rstrip("\n")

    async def ask(self, line: str) -> str:
        assert self._process.stdin
        self._process.stdin.write(f"{line}\n".encode())
        return await self.read()

    async def stop(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()


@contextlib.asynccontextmanager
async def program(rig: Rig, module: str, *args: str, python: Path | str = sys.executable) -> AsyncIterator[Program]:
    """`python -m bench.programs.MODULE ARGS`, killed at the end of the block; it dies with this process too."""
    log = rig.folder / f"{module}.log"
    with log.open("ab") as errors:
        process = await asyncio.create_subprocess_exec(
            *guard(),
            python,
            "-m",
            f"bench.programs.{module}",
            *args,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
            cwd=ROOT,
        )
    running = Program(module, process, log)
    try:
        yield running
    finally:
        await to_the_end(running.stop())


@contextlib.asynccontextmanager
async def own_redis(rig: Rig) -> AsyncIterator[str]:
    """The URL of an empty Redis set up as the stack's ledger is: append-only file, fsync every second."""
    found = (await asyncio.to_thread(find_programs, rig.say))[REDIS.name]
    part = queue_store(found, PortChooser().choose(), rig.folder)
    child = await Child.start(
        part.name, part.argv, log=rig.folder / "redis.log", env=os.environ | dict(part.env), cwd=ROOT
    )
    try:
        async with asker() as session:
            await child.wait_ready(lambda: answers(part.ready_url, session), READY_BOUND)
        yield part.url
    finally:
        await to_the_end(child.stop(5))


def peers_python() -> Path | None:
    """The interpreter that has the peers' packages, if they were installed."""
    installed = _venv() / ".installed"
    fresh = installed.exists() and installed.stat().st_mtime >= LOCK_FILE.stat().st_mtime
    return _python() if fresh else None


async def install_peers(rig: Rig) -> Path:
    """Installs the peers' packages into an environment of their own, once. Raises EnvironmentFault."""
    if found := peers_python():
        return found
    rig.say(f"Installing the peers' packages into {_venv()} (once).")
    await _run(sys.executable, "-m", "venv", "--clear", str(_venv()))
    pip = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", "--require-hashes")
    await _run(str(_python()), *pip, "-r", str(LOCK_FILE))
    (_venv() / ".installed").touch()
    return _python()


async def _run(*argv: str) -> None:
    process = await asyncio.create_subprocess_exec(
        *argv, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output, _ = await process.communicate()
    if process.returncode:
        raise EnvironmentFault(f"{' '.join(argv[:4])} failed:\n{output.decode(errors='replace')[-2000:]}")


def _venv() -> Path:
    return cache_dir() / "bench-venv"


def _python() -> Path:
    return _venv() / "bin" / "python"
