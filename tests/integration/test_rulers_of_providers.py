"""What a run says of workers that do not tell the truth about provider calls."""

from pathlib import Path

from contract.runfolder import Verdict
from contract.settings import BreakerTerms, Workload
from tests.integration.rulers import judged, red

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
