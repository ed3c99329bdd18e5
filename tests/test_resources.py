"""Resources: what the service holds and uses at rest and per job, and what a cache and kept connections save.

Each scenario runs once per session on the real stack into a folder under `runs/`, which stays as the evidence of the
report. Nothing here is judged tighter than the floors.
"""

import re
from pathlib import Path

import pytest

from contract.runfolder import Target, Verdict
from reporter.cpu import lags, spent
from reporter.memory import growths, series
from reporter.newest import newest_resources_runs
from reporter.pooling import SCENARIO as POOLING
from reporter.resources import SCENARIOS, write_resources_report
from reporter.runs import Run
from reporter.summary import summary
from stack.places import reports_dir, runs_dir
from tests.test_data_helper import Measured, result_of

pytestmark = pytest.mark.timeout(300)  # of a test that has to run a scenario first

PROCESSES = {"service-1", "service-2", "worker-1", "worker-1, its children", "worker-2", "worker-2, its children"}


def targets(folder: Path, name: str) -> list[Target]:
    """As judged: one, or one per rung. None of them is without data."""
    found = [target for target in result_of(folder).targets if target.name == name]
    assert found
    assert all(target.value is not None for target in found)
    return found


@pytest.mark.parametrize("name", SCENARIOS)
async def test_the_scenario_is_valid_and_its_books_balance(measured: Measured, name: str) -> None:
    result = result_of(await measured(name))
    assert result.verdict is not Verdict.INVALID, result.reasons
    assert [entry.name for entry in result.books if not entry.passed] == []
    assert result.counts.lost == result.counts.unexpected == 0


async def test_at_rest_each_process_tells_its_memory_and_its_cpu_time(measured: Measured) -> None:
    run = Run.load(await measured("idle"))
    assert series(run).keys() >= PROCESSES
    assert all(size > 0 for readings in series(run).values() for _, size in readings)
    assert {one.process for one in spent(run)} >= PROCESSES
    assert set(lags(run)) >= {"service", "worker"}


@pytest.mark.parametrize("name", ["job-profile", "scaling"])
async def test_a_job_takes_less_than_100_mb(measured: Measured, name: str) -> None:
    for target in targets(await measured(name), "memory_per_job"):
        assert target.value is not None
        assert target.value < 100e6, target.rung


async def test_five_jobs_a_second_take_less_than_80_percent_of_the_cpu(measured: Measured) -> None:
    [target] = targets(await measured("scaling"), "cpu_utilisation")
    assert target.rung == "rate-5"
    assert target.value is not None
    assert target.value < 0.80


async def test_no_process_grows_by_10_percent_over_20_jobs(measured: Measured) -> None:
    """With the upper end of the interval of its growth, so that few readings cannot make it pass."""
    folder = await measured("leak")
    assert {one.process for one in growths(Run.load(folder))} >= PROCESSES
    [target] = targets(folder, "leak")
    assert target.value is not None
    assert target.value < 0.10


async def test_what_the_cache_saved_is_what_the_mocks_were_not_asked(measured: Measured) -> None:
    saved = [entry for entry in result_of(await measured("cache")).books if entry.name.startswith("calls saved")]
    assert len(saved) == 3
    assert all(entry.passed and None not in entry.parties.values() for entry in saved)


async def test_at_least_40_percent_of_the_lookups_are_hits(measured: Measured) -> None:
    [target] = targets(await measured("cache"), "cache_hit_rate")
    assert target.value is not None
    assert target.value >= 0.40


async def test_kept_connections_are_fewer_than_calls_and_without_them_each_call_opens_one(measured: Measured) -> None:
    for block in Run.load(await measured(POOLING)).parts:
        opened = block.answers.total("call.connections", event="opened")
        calls = block.answers.total("mock.calls")
        assert opened is not None
        assert calls
        kept = block.info.workload["pooling"]
        assert opened < calls / 2 if kept else opened == calls, block.name


async def test_generate_resources_report(measured: Measured, folders: dict[str, Path]) -> None:
    """From the runs of this session, else from the newest ones there are; what then is missing is run now."""
    chosen = {name: folder for name, folder in newest_resources_runs(runs_dir()).items() if name in SCENARIOS}
    for name in SCENARIOS:
        if name in folders or name not in chosen:
            chosen[name] = await measured(name)
    report = write_resources_report([chosen[name] for name in SCENARIOS], reports_dir() / "resources_report.md")
    lines = [line for name in SCENARIOS for line in ("", *summary(chosen[name]))]
    print("\n".join([*lines, "", f"report: {report}"]))  # noqa: T201 - what `pytest -s` is asked for

    text = report.read_text(encoding="utf-8")
    for name in SCENARIOS:
        assert re.search(rf"^\| {name} +\| {chosen[name].name} ", text, re.MULTILINE)
    for line in (
        r"Memory per job: -?\d+\.\d MB \(.+\)",
        r"Cost per 1000 jobs: \d+\.\d+ \w+ \(run .+\)",
        r"Cache hit rate: \d+\.\d% \(n = \d+; .+\)",
    ):
        assert re.search(rf"^{line}$", text, re.MULTILINE), line
    pictures = set(re.findall(r"!\[[^\]]*\]\(figures/resources_([\w-]+)\.svg\)", text))
    assert pictures == {"memory_job-profile", "memory_leak", "cpu", "cost"}
    assert all((report.parent / "figures" / f"resources_{picture}.svg").exists() for picture in pictures)
