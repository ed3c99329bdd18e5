"""What a run says of workers that leave their leases or have no fence."""

from pathlib import Path

from contract.runfolder import Verdict
from contract.settings import LatencyProfile, Workload
from tests.integration.rulers import judged, red

LONG_JOBS = Workload(slots=2, lease=2.0, renew_every=0.5, llm_latency=LatencyProfile(mean=2.5, sd=0.05))
"""Jobs that outlast a lease which nobody renews, and slots so few that each worker gets its half."""
USERS = 4
LEASES = f"""
title = "Jobs that take longer than a lease"
description = "Half of them at each worker; none of them may lose its lease."

[load]
model = "closed"
users = {USERS}
jobs = {USERS}

[warmup]
users = 1
jobs = 1

[[targets]]
indicator = "crashes"
op = "<"
limit = 1.0
"""


async def test_workers_that_renew_and_fence_pass(tmp_path: Path) -> None:
    result = await judged(tmp_path, LEASES, USERS, LONG_JOBS)
    assert (result.verdict, result.reasons) == (Verdict.PASS, [])
    assert (result.counts.completed, result.counts.duplicated) == (USERS, 0)


async def test_without_renewal_jobs_run_twice_which_is_counted_and_makes_the_run_invalid(tmp_path: Path) -> None:
    """Each is published once all the same: the ledger refuses the late ends."""
    result = await judged(tmp_path, LEASES, USERS, LONG_JOBS, "leave_leases")
    assert result.verdict is Verdict.INVALID
    duplicated = result.counts.duplicated
    assert duplicated >= USERS / 2
    assert f"{duplicated} executions came after the first of their job, and no fault asked for that" in result.reasons
    assert [target.name for target in result.targets if not target.passed] == ["crashes"]
    assert result.counts.completed == result.integrity.sound_videos == USERS
    assert red(result) == []


async def test_without_the_fence_jobs_are_published_twice_and_the_books_show_it(tmp_path: Path) -> None:
    """Jobs enough that the second end of the first ones comes while the others are measured."""
    result = await judged(tmp_path, LEASES, 3 * USERS, LONG_JOBS, "leave_leases", "unfence")
    assert result.verdict is Verdict.INVALID
    completed = next(entry.parties for entry in result.books if entry.name == "completed")
    assert (completed["workers"] or 0) > (completed["redis"] or 0), result.reasons
