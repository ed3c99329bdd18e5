"""Performance: the floors that the service must hold, judged on the real stack.

Nothing here is judged tighter than the floors; what we compete on is measured in `bench/`. Each scenario runs once per
session, whole, into a folder under `runs/` that stays as the evidence of the report.
"""

import re
from pathlib import Path

import httpx
import pytest

from contract.manifest import Manifest
from contract.runfolder import Counts, Target, Verdict
from loadgen.mp4 import defects
from loadgen.scenario import Endpoint, load
from reporter.breakdown import CRITICAL_TITLES, breakdowns
from reporter.calibration import Agreement, measured_twice
from reporter.indicators import by_endpoint, indicators
from reporter.newest import newest_valid_runs
from reporter.performance import SCENARIOS, write_performance_report
from reporter.runs import Run
from reporter.sections.breakdown import where_time_goes
from reporter.stamp import stamp
from reporter.statistics import supported_percentile
from reporter.summary import summary
from stack.places import reports_dir, runs_dir
from tests.test_data_helper import Measured, UploadableDocument, end_of, result_of, shorter, submit

pytestmark = pytest.mark.timeout(600)  # of a test that has to run a scenario first

LADDER = (5, 10, 20, 50)
"""A single user is `single`."""


@pytest.fixture(scope="session")
async def single_run(measured: Measured) -> Path:
    return await measured("single")


@pytest.fixture(scope="session")
async def concurrent_run(measured: Measured) -> Path:
    return await measured("concurrent")


@pytest.fixture(scope="session")
async def api_run(measured: Measured) -> Path:
    return await measured("api")


@pytest.fixture(scope="session")
async def components_run(measured: Measured) -> Path:
    return await measured("components")


@pytest.fixture(params=SCENARIOS)
def any_run(request: pytest.FixtureRequest) -> Path:
    """The run of each scenario in turn."""
    found = request.getfixturevalue(f"{request.param}_run")
    assert isinstance(found, Path)
    return found


def targets(folder: Path, name: str) -> list[Target]:
    """As judged: one, or one per rung. None of them is without data."""
    found = [target for target in result_of(folder).targets if target.name == name]
    assert found
    assert all(target.value is not None for target in found)
    return found


def value(folder: Path, name: str, rung: str | None = None) -> float:
    [found] = [target.value for target in targets(folder, name) if target.rung == rung]
    assert found is not None
    return found


# One job.


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


# What holds for every scenario.


def test_the_run_is_valid_and_its_books_balance(any_run: Path) -> None:
    result = result_of(any_run)
    assert result.verdict is not Verdict.INVALID, result.reasons
    assert result.books
    assert all(entry.passed for entry in result.books)
    assert result.counts.lost == result.counts.unexpected == result.counts.duplicated == 0


def test_the_parts_of_every_job_sum_to_its_response_time(any_run: Path) -> None:
    run = Run.load(any_run)
    found = breakdowns(run.measured)
    assert len(found) == len(run.measured)
    for job in found:
        assert sum(job.critical.values()) + sum(job.overhead.values()) == pytest.approx(job.response, abs=1e-9)


def test_every_percentile_by_promql_lies_in_the_bucket_of_the_exact_one(any_run: Path) -> None:
    """Planned and taken provider calls, stages, queue and response time, where the sample supports the percentile."""
    for part in Run.load(any_run).parts:
        compared = [(name, one) for name, several in measured_twice(part).items() for one in several]
        judged = [(f"{one.name} of {name}", one) for name, one in compared if one.exact and one.exact.supported]
        assert judged or not part.measured
        assert {title: one.agreement for title, one in judged if one.agreement is not Agreement.YES} == {}, part.name


# single


def test_a_single_request_takes_less_than_two_seconds(single_run: Path) -> None:
    assert value(single_run, "response_p95") < 2.0


def test_at_least_95_percent_of_the_jobs_succeed(single_run: Path) -> None:
    assert value(single_run, "success_rate") >= 0.95


def test_the_p95_of_the_api_is_below_500_ms(single_run: Path) -> None:
    assert value(single_run, "api_p95") < 0.5


def test_the_assets_are_what_the_manifests_say(single_run: Path) -> None:
    assert value(single_run, "integrity") >= 0.90


# concurrent


def test_the_ladder_is_climbed_whole_and_every_rung_counts_exactly(concurrent_run: Path) -> None:
    """Each job that was asked for has one end, and every party that counts says the same."""
    rungs = Run.load(concurrent_run).rungs
    assert [rung.info.concurrency for rung in rungs] == list(LADDER)
    for rung, asked in zip(rungs, shorter(load("concurrent")).loads, strict=True):
        assert rung.result is not None
        assert [entry.name for entry in rung.result.books if not entry.passed] == [], rung.name
        counts = rung.result.counts
        ends = counts.completed + counts.partial + counts.failed + counts.cancelled
        nothing = Counts.model_validate(counts.model_dump() | dict.fromkeys(("lost", "unexpected", "duplicated"), 0))
        assert (len(rung.measured), counts.attempted, ends, counts) == (asked.jobs, asked.jobs, asked.jobs, nothing)


@pytest.mark.parametrize("users", LADDER)
def test_every_rung_holds_success_api_latency_and_integrity(concurrent_run: Path, users: int) -> None:
    rung = f"users-{users}"
    assert value(concurrent_run, "success_rate", rung) >= 0.95
    assert value(concurrent_run, "api_p95", rung) < 0.5
    assert value(concurrent_run, "integrity", rung) >= 0.90


def test_more_than_ten_jobs_a_second_at_50_users(concurrent_run: Path) -> None:
    assert value(concurrent_run, "throughput", "users-50") > 10.0


# api


@pytest.mark.parametrize("endpoint", Endpoint)
def test_the_p95_of_each_endpoint_is_below_500_ms(api_run: Path, endpoint: Endpoint) -> None:
    found = supported_percentile(by_endpoint(Run.load(api_run).requests)[endpoint], 0.95)
    assert found is not None
    assert found.supported, "asked too seldom"
    assert found.value < 0.5


def test_requests_succeed(api_run: Path) -> None:
    assert value(api_run, "request_success_rate") >= 0.95


# components


@pytest.mark.parametrize("component", ["llm", "tts", "visual", "parse", "assemble"])
def test_every_component_is_measured(components_run: Path, component: str) -> None:
    """Each of 20 jobs has one script, parse and assembly; each of its 5 scenes a narration and a picture."""
    found = indicators(Run.load(components_run))[f"{component}_p95"]
    assert found.value is not None
    assert found.value > 0
    assert found.n is not None
    assert found.n >= (100 if component in {"tts", "visual"} else 20)


def test_the_shares_of_the_response_time_sum_to_100_percent(components_run: Path) -> None:
    """As the report prints them, to a tenth each: the critical path of its parts, the whole of path and overhead."""
    blocks = where_time_goes(Run.load(components_run), None)
    shares = {
        title: float(share)
        for title, share in re.findall(r"^\| (.+?) +\|.*\| +([\d.]+) % \|$", blocks[1], re.MULTILINE)
    }
    critical = shares["**critical path**"]
    assert sum(shares[title] for title in CRITICAL_TITLES.values()) == pytest.approx(critical, abs=0.25)
    assert critical + shares["**overhead**"] == pytest.approx(100, abs=0.15)
    assert all(shares[title] > 0 for title in CRITICAL_TITLES.values())


# The report


def is_whole(folder: Path, scenario: str) -> bool:
    """Whether the run measured as much as its scenario asks for, and not some JOBS of it."""
    run = Run.load(folder)
    return len(run.measured) + len(run.requests) >= sum(step.size for step in shorter(load(scenario)).steps())


async def test_generate_performance_report(measured: Measured, folders: dict[str, Path]) -> None:
    """From the runs of this session, else from the newest whole ones there are; what then is missing is run now."""
    known = {name: folder for name, folder in newest_valid_runs(runs_dir()).items() if name in SCENARIOS}
    chosen = {name: folder for name, folder in known.items() if is_whole(folder, name)}
    for name in SCENARIOS:
        if name in folders or name not in chosen:
            chosen[name] = await measured(name)
    report = write_performance_report([chosen[name] for name in SCENARIOS], reports_dir() / "performance_report.md")
    lines = [line for name in SCENARIOS for line in ("", *summary(chosen[name]))]
    print("\n".join([*lines, "", f"report: {report}"]))  # noqa: T201 - what `pytest -s` is asked for

    text = report.read_text(encoding="utf-8")
    for title in (
        *("Key metrics", "Recommendations", "Response time", "Concurrent load", "Scalability", "API latency"),
        *("Component analysis", "Calibration", "Success rate", "Counts and books", "Method", "Appendix: PromQL"),
    ):
        assert f"\n## {title}\n" in text
    for name, folder in chosen.items():
        word, verdict = stamp(Run.load(folder)).word, result_of(folder).verdict
        assert re.search(rf"^\| {name} +\| {folder.name} +\| +\d+ \| {word} +\| {verdict} +\|$", text, re.MULTILINE)
    for line in (
        r"Response time: \d\.\d{3}s ± \d\.\d{3}s",
        r"Throughput: \d+\.\d requests/second",
        r"P95 latency: \d+ms",
    ):
        assert re.search(rf"^{line}$", text, re.MULTILINE)
    pictures = re.findall(r"!\[[^\]]*\]\((figures/performance_\w+\.svg)\)", text)
    assert len(pictures) == 5
    assert all((report.parent / picture).exists() for picture in pictures)
