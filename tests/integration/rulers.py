"""Judging workers that break their promises. Those that keep them pass the suites beside this folder."""

import sys
from pathlib import Path

from contract.runfolder import Result
from contract.settings import Workload
from loadgen.document import default_document
from loadgen.runner import Progress
from loadgen.scenario import read
from measure import measure
from stack.local import LocalStack
from stack.parts import COMMANDS
from stack.places import ROOT

PLANTED = (sys.executable, "-m", "tests.integration.planted_worker")


async def judged(folder: Path, scenario: str, jobs: int, workload: Workload, *defects: str) -> Result:
    """The result on a stack of its own, whose workers have these defects."""
    path, run = folder / "ruler.toml", folder / "run"
    path.write_text(scenario)
    run.mkdir()
    commands = {**COMMANDS, "worker": (*PLANTED, *defects)}
    async with LocalStack(folder / "logs", workload=workload, commands=commands) as stack:
        return await measure(read(path).with_jobs(jobs), default_document(ROOT), 1, stack, run, Progress())


def red(result: Result) -> list[str]:
    return [entry.name for entry in result.books if not entry.passed]
