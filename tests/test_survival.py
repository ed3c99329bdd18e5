"""Nothing is lost when workers die: a real kill of a real process every two seconds, judged like any scenario.

`make chaos` runs this and the other faults of processes at full length.
"""

from pathlib import Path

import pytest

from contract.runfolder import Result, Verdict
from loadgen.document import default_document
from loadgen.runner import Progress
from loadgen.scenario import load
from measure import measure
from reporter.runs import Run
from stack.local import LocalStack
from stack.places import ROOT
from tests.test_data_helper import undisturbed

JOBS = 45


@pytest.fixture(scope="module")
async def crashes(stack: LocalStack, tmp_path_factory: pytest.TempPathFactory) -> tuple[Result, Run]:
    async def once() -> tuple[Result, Path]:
        folder, scenario = tmp_path_factory.mktemp("worker-crash"), load("worker-crash").with_jobs(JOBS)
        return await measure(scenario, default_document(ROOT), 1, stack, folder, Progress()), folder

    result, folder = await undisturbed(once)
    return result, Run.load(folder)


def test_every_job_has_one_published_result_although_workers_are_killed(crashes: tuple[Result, Run]) -> None:
    result, run = crashes
    assert len(run.faults) >= 3
    assert result.verdict is not Verdict.INVALID, result.reasons
    counts = result.counts
    assert (counts.attempted, counts.acknowledged, counts.completed) == (JOBS, JOBS, JOBS)
    assert counts.lost == counts.unexpected == counts.recovered == 0
    assert next(entry for entry in result.books if entry.name == "conservation").passed


def test_no_job_is_condemned_for_a_worker_that_was_killed(crashes: tuple[Result, Run]) -> None:
    result, _ = crashes
    assert next(target for target in result.targets if target.name == "quarantined").value == 0


def test_the_videos_are_sound_all_the_same(crashes: tuple[Result, Run]) -> None:
    integrity = crashes[0].integrity
    assert integrity.sound_videos == JOBS
    assert integrity.losses == []
