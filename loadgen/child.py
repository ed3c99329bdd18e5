"""A load generator in a process of its own, led over its standard streams (`python -m loadgen`)."""

import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

from contract.guard import guard
from loadgen.generator import OnRecord, RunBroken
from loadgen.messages import LONGEST_LINE, Said, Setup, Work, line

FOLDER = Path(__file__).resolve().parents[1]
READY_BOUND = 20.0
"""Seconds that a generator may take until it answers its metrics."""


class ChildGenerator:
    """Use `started`. One that ends by itself, at whatever moment, breaks the run with RunBroken."""

    metrics_port: int

    def __init__(self, name: str, process: asyncio.subprocess.Process, log: Path) -> None:
        self.name = name
        self._process = process
        self._log = log

    @property
    def dead(self) -> bool:
        return self._process.returncode is not None

    @property
    def pid(self) -> int:
        return self._process.pid

    async def carry_out(self, work: Work, on_record: OnRecord) -> float:
        """Its share of the work; how much of a core it used meanwhile."""
        await self._tell(line(work))
        while (busy := (said := await self._hear()).busy) is None:
            record = said.job or said.request
            assert record is not None
            on_record(record)
        return busy

    async def _tell(self, message: bytes) -> None:
        assert self._process.stdin
        with contextlib.suppress(ConnectionError):  # it is dead, which the next line that we wait for shows
            self._process.stdin.write(message)
            await self._process.stdin.drain()

    async def _hear(self) -> Said:
        assert self._process.stdout
        heard = await self._process.stdout.readline()
        if not heard.endswith(b"\n"):  # the end of the stream, perhaps within a line
            raise await self._death()
        return Said.model_validate_json(heard)

    async def _death(self) -> RunBroken:
        status = await self._process.wait()
        how = f"exit status {status}" if status >= 0 else f"killed by {signal.Signals(-status).name}"
        return RunBroken(
            f"The load generator {self.name} died ({how}), and its part of the load with it: see {self._log}"
        )

    async def set_up(self, setup: Setup) -> None:
        """Raises RunBroken when it is not ready in time."""
        try:
            async with asyncio.timeout(READY_BOUND):
                await self._tell(line(setup))
                port = (await self._hear()).metrics_port
        except TimeoutError:
            raise RunBroken(
                f"The load generator {self.name} was not ready in {READY_BOUND:g} s: see {self._log}"
            ) from None
        assert port is not None
        self.metrics_port = port


@contextlib.asynccontextmanager
async def started(name: str, setup: Setup, log: Path) -> AsyncIterator[ChildGenerator]:
    """A generator of this share, gone at the end of the block whatever ends it.

    It ends with its standard input, and when this process dies. In a session
    of its own it does not hear the terminal's Ctrl-C, which is for us to answer.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as errors:
        process = await asyncio.create_subprocess_exec(
            *guard(),
            sys.executable,
            "-m",
            "loadgen",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
            start_new_session=True,
            cwd=FOLDER,
            limit=LONGEST_LINE,
        )
    child = ChildGenerator(name, process, log)
    try:
        await child.set_up(setup)
        yield child
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()  # it holds nothing that would have to be put away
        await process.wait()
