"""Performance: the floors that the service must hold, judged on the real stack.

Nothing here is judged tighter than the floors; what we compete on is measured in `bench/`.
"""

from pathlib import Path

import httpx
import pytest

from contract.manifest import Manifest
from contract.runfolder import RESULT, Result, Verdict
from loadgen.document import default_document
from loadgen.mp4 import defects
from loadgen.runner import Progress
from loadgen.scenario import load
from measure import measure
from reporter.breakdown import breakdowns
from reporter.performance import write_performance_report
from reporter.runs import Run
from reporter.stamp import stamp
from reporter.summary import summary
from stack.local import LocalStack
from stack.places import ROOT, reports_dir, runs_dir
from tests.test_data_helper import UploadableDocument, end_of, submit

SEED = 1


@pytest.fixture(scope="session")
async def single_run(stack: LocalStack) -> Path:
    """The folder of a run of the scenario `single`, kept under `runs/` as the evidence of the report."""
    folder = runs_dir() / "pytest-single"
    folder.mkdir(parents=True, exist_ok=True)
    await measure(load("single"), default_document(ROOT), SEED, stack, folder, Progress())
    return folder


@pytest.fixture(scope="session")
def single_result(single_run: Path) -> Result:
    return Result.model_validate_json((single_run / RESULT).read_bytes())


def target(result: Result, name: str) -> float:
    found = next(target for target in result.targets if target.name == name)
    assert found.value is not None, f"{name}: no data"
    return found.value


async def test_a_document_becomes_a_sound_video_that_quotes_it(
    api: httpx.AsyncClient, mock_file_context: UploadableDocument
) -> None:
    job_id = await submit(api, mock_file_context, seed="7")
    job = await end_of(api, job_id)
    assert job["status"] == "completed", job["error"]

    manifest = Manifest.model_validate_json((await api.get(f"/v1/videos/{job_id}/manifest")).content)
    expected = mock_file_context.expected_scenes(seed=7)
    assert [scene.narration for scene in manifest.scenes] == [scene.narration for scene in expected]
    assert [scene.visual_type for scene in manifest.scenes] == [scene.visual_type for scene in expected]
    assert all(scene.narration in mock_file_context.text for scene in manifest.scenes)

    video = await api.get(f"/v1/videos/{job_id}/content")
    assert video.headers["content-type"] == "video/mp4"
    assert defects(video.content, manifest) == []


def test_the_single_run_is_valid_and_its_books_balance(single_result: Result) -> None:
    assert single_result.verdict is not Verdict.INVALID, single_result.reasons
    assert all(entry.passed for entry in single_result.books)
    assert single_result.counts.lost == single_result.counts.unexpected == single_result.counts.duplicated == 0


def test_a_single_request_takes_less_than_two_seconds(single_result: Result) -> None:
    assert target(single_result, "response_p95") < 2.0


def test_at_least_95_percent_of_the_jobs_succeed(single_result: Result) -> None:
    assert target(single_result, "success_rate") >= 0.95


def test_the_p95_of_each_api_endpoint_is_below_500_ms(single_result: Result) -> None:
    assert target(single_result, "api_p95") < 0.5


def test_the_assets_are_what_the_manifests_say(single_result: Result) -> None:
    assert target(single_result, "integrity") >= 0.90


def test_the_parts_of_every_job_sum_to_its_response_time(single_run: Path) -> None:
    run = Run.load(single_run)
    found = breakdowns(run.measured)
    assert len(found) == len(run.measured)
    for job in found:
        assert sum(job.critical.values()) + sum(job.overhead.values()) == pytest.approx(job.response, abs=1e-9)


def test_generate_performance_report(single_run: Path) -> None:
    report = write_performance_report([single_run], reports_dir() / "performance_report.md")
    print("\n".join(["", *summary(single_run), f"report: {report}"]))  # noqa: T201 - what `pytest -s` is asked for
    text = report.read_text(encoding="utf-8")
    assert stamp(Run.load(single_run)).word in text
    for words in ("Response time:", "Throughput:", "P95 latency:", "Method", "PromQL"):
        assert words in text
    assert all((report.parent / figure).exists() for figure in ("figures/performance_response.svg",))
