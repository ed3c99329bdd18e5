"""What a run says of a cache that does not keep its promises."""

from pathlib import Path

from contract.runfolder import Verdict
from contract.settings import Workload
from tests.integration.rulers import judged, red

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
