"""What a run says of workers that break their promises. Those that keep them pass the suites beside this folder."""

import sys
from pathlib import Path

from contract.runfolder import Result, Verdict
from contract.settings import BreakerTerms, LatencyProfile, Workload
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


# Leases and fences.

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


# Provider calls.

FAULTS = """
title = "Narrations that fail"
description = "Few jobs, and every fault accounted for."

[load]
model = "closed"
users = 8
jobs = 8

[warmup]
users = 1
jobs = 1

[[provider_faults]]
provider = "tts"
kind = "error"
rate = 0.3

[[targets]]
indicator = "integrity"
op = ">="
limit = 1.0
"""
OUTAGE = """
title = "A second without the LLM"
description = "The breaker opens, and must close again."

[load]
model = "closed"
users = 8
jobs = 12

[warmup]
users = 1
jobs = 1

[[provider_faults]]
provider = "llm"
kind = "outage"
duration = 1.0

[[targets]]
indicator = "breaker_opened"
op = ">="
limit = 1.0

[[targets]]
indicator = "breaker_closed"
op = ">="
limit = 1.0
"""
CANCELLATION = """
title = "Every second client thinks better of it"
description = "In the middle of the script, with most of the job before it."

[load]
model = "closed"
users = 4
jobs = 8

[warmup]
users = 1
jobs = 1

[cancel]
every = 2
stages = ["script"]

[[targets]]
indicator = "cancels_ignored"
op = "<"
limit = 1.0
"""
QUICK_BREAKER = Workload(breaker=BreakerTerms(volume=4, open_for=0.3, probe_every=0.3))


async def test_a_swallowed_fault_a_skipped_retry_and_a_flipped_byte_are_each_named(tmp_path: Path) -> None:
    """Each worker has each defect once."""
    result = await judged(tmp_path, FAULTS, 8, Workload(), "swallow_fault", "skip_retry", "flip_byte")
    assert result.verdict is Verdict.INVALID
    assert {"faults, tts error", "calls failed, tts", "calls retried, tts"} <= set(red(result))
    assert any(reason.endswith("met error, and its worker never saw it") for reason in result.reasons)
    assert [target.name for target in result.targets if not target.passed] == ["integrity"]
    assert all("is not what the manifest says" in loss for loss in result.integrity.losses)


async def test_bytes_and_usage_that_a_worker_does_not_count_make_the_run_invalid(tmp_path: Path) -> None:
    result = await judged(tmp_path, FAULTS, 8, Workload(), "skip_bytes", "skip_wire")
    assert result.verdict is Verdict.INVALID
    spoilt = {entry.split(",")[0] for entry in red(result)}
    assert spoilt == {"payload bytes", "wire bytes", "usage"}
    kept = [entry.parties for entry in result.books if not entry.passed]
    assert all((parties["workers"] or 0) < (parties["mocks"] or 0) for parties in kept)


async def test_a_breaker_that_never_closes_misses_its_target(tmp_path: Path) -> None:
    result = await judged(tmp_path, OUTAGE, 12, QUICK_BREAKER, "never_close")
    assert result.verdict is Verdict.FAIL, result.reasons
    assert [target.name for target in result.targets if not target.passed] == ["breaker_closed"]


async def test_a_worker_that_goes_on_with_cancelled_jobs_misses_its_target(tmp_path: Path) -> None:
    result = await judged(tmp_path, CANCELLATION, 8, Workload(), "ignore_cancel")
    assert result.verdict is Verdict.FAIL, result.reasons
    [target] = result.targets
    assert (target.name, target.value) == ("cancels_ignored", 4)


# The cache.

TWICE = """
title = "Each input twice"
description = "Six inputs, asked for by two jobs each."

[load]
model = "closed"
users = 2
jobs = 12

[warmup]
users = 1
jobs = 1

[cache]
repeats = 2

[[targets]]
indicator = "cache_hit_rate"
op = ">="
limit = 0.4
"""
ONCE = TWICE.replace("[cache]\nrepeats = 2\n", "").replace("cache_hit_rate", "success_rate")


async def test_a_cache_that_keeps_nothing_has_its_calls_made_again_which_makes_the_run_invalid(tmp_path: Path) -> None:
    result = await judged(tmp_path, TWICE, 12, Workload(), "keep_nothing")
    assert result.verdict is Verdict.INVALID
    assert {name.partition(",")[0] for name in red(result)} == {"distinct requests"}


async def test_jobs_that_share_what_they_must_not_and_hits_that_nobody_counts_are_each_named(tmp_path: Path) -> None:
    result = await judged(tmp_path, ONCE, 12, Workload(), "share_all", "skip_hit")
    assert result.verdict is Verdict.INVALID
    assert {name.partition(",")[0] for name in red(result)} == {"cache hits"}
    assert any(reason.endswith("was a hit, and not the job itself had made it") for reason in result.reasons)
