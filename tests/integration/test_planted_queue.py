"""Rulers of the queue discipline: without a fence, and without renewal, a run must not pass."""

import sys
from pathlib import Path

from contract.runfolder import Result, Verdict
from contract.settings import Workload
from loadgen.document import default_document
from loadgen.runner import Progress
from loadgen.scenario import read
from measure import measure
from stack.local import LocalStack
from stack.parts import COMMANDS
from stack.places import ROOT

NEVER = 1000.0
SHORT = 0.65
"""Seconds: a lease that the median job outlives and that one in three does not, when nobody renews it."""

SCENARIO = """
title = "Leases that nobody renews"
description = "Some jobs take longer than their lease, and start elsewhere meanwhile."

[load]
model = "closed"
users = 4
jobs = 24

[[targets]]
indicator = "success_rate"
op = ">="
limit = 0.5
"""


async def run_with(folder: Path, worker: tuple[str, ...]) -> Result:
    scenario = folder / "unrenewed.toml"
    scenario.write_text(SCENARIO)
    run = folder / "run"
    run.mkdir()
    workload = Workload(lease=SHORT, renew_every=NEVER, suspect_after=100)
    commands = COMMANDS | {"worker": worker}
    async with LocalStack(folder / "logs", workload=workload, commands=commands) as stack:
        return await measure(read(scenario), default_document(ROOT), 1, stack, run, Progress())


async def test_without_renewal_jobs_run_twice_and_the_run_is_invalid_for_it(tmp_path: Path) -> None:
    result = await run_with(tmp_path, tuple(COMMANDS["worker"]))
    assert result.counts.duplicated > 0
    assert result.counts.lost == result.counts.unexpected == 0
    assert result.verdict is Verdict.INVALID
    assert any("executions came after the first of their job, and no fault asked for that" in r for r in result.reasons)
    conservation = next(entry for entry in result.books if entry.name == "conservation")
    assert conservation.passed, "with its fence the ledger publishes one result per job"


async def test_without_fences_a_job_is_published_twice_and_the_books_say_so(tmp_path: Path) -> None:
    result = await run_with(tmp_path, (sys.executable, "-m", "tests.planted.worker"))
    assert result.verdict is Verdict.INVALID
    assert any("the books do not balance: conservation" in reason for reason in result.reasons)
