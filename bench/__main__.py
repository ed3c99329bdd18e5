"""`python -m bench`: speed beside named peers, as ratios within one run. Prints tables and asserts nothing."""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import psutil
import uvloop
from rich.console import Console
from rich.table import Table

from bench import api, jobs, load_generator, queues, resources
from bench.rig import Rig
from contract.errors import ReelbenchError
from stack.signals import cancelled_by_signals

say = Console(stderr=True, highlight=False)
out = Console(highlight=False, width=None if sys.stdout.isatty() else 160)

BENCHES: dict[str, Callable[[Rig], Awaitable[list[Table]]]] = {
    "queue": lambda rig: queues.run(rig, queues.Size()),
    "loadgen": lambda rig: load_generator.run(rig, load_generator.Size()),
    "api": lambda rig: api.run(rig, api.Size()),
    "jobs": lambda rig: jobs.run(rig, jobs.Size()),
    "resources": lambda rig: resources.run(rig, resources.Size()),
}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--only", choices=BENCHES, help="this bench alone")
    only: str | None = parser.parse_args(arguments).only
    try:
        return uvloop.run(_run([only] if only else list(BENCHES)))
    except ReelbenchError as error:
        say.print(f"[bold red]error:[/] {error}", markup=True, soft_wrap=True)
        return error.exit_code


async def _run(names: list[str]) -> int:
    began = time.monotonic()

    def progress(line: str) -> None:
        say.print(f"{time.monotonic() - began:5.0f} s  {line}", markup=False, style="dim")

    with cancelled_by_signals() as came, tempfile.TemporaryDirectory(prefix="reelbench-") as folder:
        try:
            for name in names:
                place = Path(folder) / name
                place.mkdir()
                busy = await asyncio.to_thread(psutil.cpu_percent, 1.0)
                progress(f"{name}: begins; the machine was {busy:.0f} % busy with other things")
                for table in await BENCHES[name](Rig(place, progress)):
                    out.print(table)
        except asyncio.CancelledError:
            if not came:
                raise
            return 128 + came[0]
    progress("done")
    return 0


if __name__ == "__main__":
    sys.exit(main())
