"""Reliability: what the service promises while providers and Redis fail, judged on the real stack.

Each scenario runs once per session into a folder under `runs/`, which stays as the evidence of the report. Nothing here
is judged tighter than the floors.
"""

import re
from pathlib import Path

import pytest

from contract.jobs import Outcome
from contract.runfolder import Verdict
from loadgen.document import default_document
from loadgen.runner import Progress
from loadgen.scenario import load, read
from measure import measure
from reporter.newest import newest_reliability_runs
from reporter.reliability import SCENARIOS, write_reliability_report
from reporter.runs import Run
from reporter.summary import summary
from stack.local import LocalStack
from stack.places import ROOT, reports_dir, runs_dir
from tests.test_data_helper import SEED, Measured, result_of

pytestmark = pytest.mark.timeout(600)  # of a test that has to run a scenario first


def value(folder: Path, name: str) -> float:
    [target] = [target for target in result_of(folder).targets if target.name == name]
    assert target.value is not None, f"{name} is without data"
    return target.value


@pytest.mark.parametrize("name", SCENARIOS)
async def test_the_scenario_is_valid_loses_nothing_and_accounts_for_every_fault(measured: Measured, name: str) -> None:
    folder = await measured(name)
    result = result_of(folder)
    assert result.verdict is not Verdict.INVALID, result.reasons
    assert [entry.name for entry in result.books if not entry.passed] == []
    assert result.counts.lost == result.counts.unexpected == 0
    faulted = Run.load(folder).faulted_calls
    assert bool(faulted) == bool(load(name).provider_faults)


@pytest.mark.parametrize("name", SCENARIOS)
async def test_the_assets_of_every_job_are_what_the_manifests_say(measured: Measured, name: str) -> None:
    assert value(await measured(name), "integrity") >= 0.90


async def test_at_least_95_percent_of_the_jobs_succeed_under_normal_conditions(measured: Measured) -> None:
    assert value(await measured("normal"), "success_rate") >= 0.95


async def test_at_least_60_percent_of_the_jobs_recover_when_tts_fails(measured: Measured) -> None:
    assert value(await measured("tts-failures"), "job_recovery") >= 0.60


async def test_the_breaker_opens_in_an_outage_closes_afterwards_and_jobs_succeed_again(measured: Measured) -> None:
    """What the mocks met during the outage is what the workers counted as cut connections."""
    folder = await measured("llm-outage")
    assert value(folder, "breaker_opened") >= 1
    assert value(folder, "breaker_closed") >= 1
    assert value(folder, "success_after") >= 0.95
    run = Run.load(folder)
    assert run.answers.count("call.results", provider="llm", result="disconnected") == len(run.faulted_calls)


async def test_a_job_with_failed_scenes_lists_them_and_is_delivered(measured: Measured) -> None:
    partial = [job for job in Run.load(await measured("partial-failures")).measured if job.outcome is Outcome.PARTIAL]
    assert partial
    assert all(0 < len(job.failed_scenes) <= 2 for job in partial)


async def test_a_cancelled_job_calls_no_provider_and_leaves_no_file(measured: Measured) -> None:
    jobs = Run.load(await measured("cancellation")).measured
    cancelled = [job.cancel for job in jobs if job.cancel is not None and job.outcome is Outcome.CANCELLED]
    assert {cancel.met for cancel in cancelled} >= {None, "script", "scenes"}, "the short stages are a matter of luck"
    assert all((cancel.late_calls, cancel.leftovers) == (0, 0) for cancel in cancelled)
    assert all(job.outcome is Outcome.COMPLETED for job in jobs if job.cancel is None)


FEW_JOBS = """
title = "Narrations that fail, for {users} at once"
description = "Whatever the order in which calls come, the same ones meet the fault."

[load]
model = "closed"
users = {users}
jobs = 8
ramp = 0.0

[warmup]
users = 1
jobs = 1

[[provider_faults]]
provider = "tts"
kind = "error"
rate = 0.3

[[targets]]
indicator = "delivered_rate"
op = ">="
limit = 0.5
"""


async def test_the_same_calls_fail_with_one_user_and_with_eight(stack: LocalStack, tmp_path: Path) -> None:
    met = []
    for users in (1, 8):
        path, folder = tmp_path / f"users-{users}.toml", tmp_path / f"run-{users}"
        path.write_text(FEW_JOBS.format(users=users))
        folder.mkdir()
        result = await measure(read(path), default_document(ROOT), SEED, stack, folder, Progress())
        assert result.verdict is Verdict.PASS, result.reasons
        met.append({(call.key, call.kind) for call in Run.load(folder).faulted_calls})
    assert met[0] == met[1]
    assert len(met[0]) >= 8


async def test_generate_reliability_report(measured: Measured, folders: dict[str, Path]) -> None:
    """From the runs of this session, else from the newest ones there are; what then is missing is run now."""
    chosen = {name: folder for name, folder in newest_reliability_runs(runs_dir()).items() if name in SCENARIOS}
    for name in SCENARIOS:
        if name in folders or name not in chosen:
            chosen[name] = await measured(name)
    report = write_reliability_report([chosen[name] for name in SCENARIOS], reports_dir() / "reliability_report.md")
    lines = [line for name in SCENARIOS for line in ("", *summary(chosen[name]))]
    print("\n".join([*lines, "", f"report: {report}"]))  # noqa: T201 - what `pytest -s` is asked for

    text = report.read_text(encoding="utf-8")
    for name in SCENARIOS:
        assert re.search(rf"^\| {name} +\| {chosen[name].name} ", text, re.MULTILINE)
    for line in (
        r"Success rate: \d+(\.\d+)?% \(n = \d+; .+\)",
        r"Recovery rate: \d+(\.\d+)?% \(n = \d+; .+\)",
        r"MTTR: \d+(\.\d+)?s",
        r"Data integrity: \d+(\.\d+)?% \(n = \d+\)",
        r"Reliability score: \d+(\.\d+)?",
    ):
        assert re.search(rf"^{line}$", text, re.MULTILINE), line
    pictures = re.findall(r"!\[[^\]]*\]\((figures/reliability_[\w-]+\.svg)\)", text)
    assert pictures
    assert all((report.parent / picture).exists() for picture in pictures)
