"""Runs of several rungs, and which runs of many a report is about."""

import json
import shutil
from pathlib import Path

import pytest

from contract.errors import UsageError
from reporter.newest import newest_reliability_runs, newest_valid_runs
from reporter.runs import Run
from reporter.stamp import reservations
from reporter.summary import summary
from tests.unit.reporter.folders import Folder, single
from tests.unit.reporter.ladder import api, ladder
from tests.unit.reporter.spoilt import cancellation, llm_outage, normal, redis_restart


def test_a_run_knows_its_rungs_ordered_by_load(tmp_path: Path) -> None:
    """5 before 10 and 50, which names would not give; the jobs of the whole are those of the rungs."""
    run = Run.load(ladder(users=(50, 5, 10), jobs=60).write(tmp_path))
    assert [rung.info.concurrency for rung in run.rungs] == [5, 10, 50]
    assert run.parts == run.rungs
    assert next(rung.name for rung in run.rungs) == "concurrent, users-5"
    assert len(run.measured) == 180


def test_a_single_run_is_its_own_part(tmp_path: Path) -> None:
    run = Run.load(single().write(tmp_path))
    assert run.rungs == []
    assert run.parts == [run]


def test_a_ladder_without_its_rungs_is_refused(tmp_path: Path) -> None:
    """Its own answers hold the warm-ups, so it must not be taken for one run."""
    folder = ladder(users=(1, 5), jobs=60).write(tmp_path)
    shutil.rmtree(folder / "rungs")
    with pytest.raises(UsageError, match="holds no folder of a rung"):
        Run.load(folder)


def test_records_and_promql_are_compared_rung_by_rung(tmp_path: Path) -> None:
    """The whole's answers count other jobs, which is no reservation; a rung's own that do are, with its name."""
    run = ladder(users=(1, 5), jobs=60)
    assert reservations(Run.load(run.write(tmp_path / "good"))) == []
    run.rungs["users-5"].answers["load.response.p50"][0]["value"] *= 1.1
    run.rungs["users-5"].answers["job.queue.n"][0]["value"] += 1
    assert reservations(Run.load(run.write(tmp_path / "bad"))) == [
        "users-5: PromQL's P50 of “response time” does not fit the exact one (NO)",
        "users-5: PromQL counts another n of “queue” (61 for 60 records), so its percentiles are of something else",
    ]


def test_a_summary_of_a_ladder_has_a_line_per_rung(tmp_path: Path) -> None:
    lines = summary(ladder().write(tmp_path))
    assert lines[0] == "concurrent: VALID"
    assert lines[1].split() == ["load", "jobs", "jobs/s", "mean", "P50", "P95", "success", "busy", "CPU/job", "limit"]
    assert lines[2].startswith("1 user      80    1.60")
    assert "CPU: machine 95 % busy" in lines[6]
    assert lines[7:] == ["targets met 5 of 5", "verdict pass"]


def test_a_summary_of_a_ladder_names_the_rung_that_missed(tmp_path: Path) -> None:
    run = ladder(users=(1, 5))
    run.result["targets"][1] |= {"value": 0.5, "pass": False}
    assert any(
        line.startswith("success rate, users-5") and line.endswith("FAIL") for line in summary(run.write(tmp_path))
    )


def test_requests_are_read_and_need_no_file_of_jobs(tmp_path: Path) -> None:
    folder = api(n=10).write(tmp_path)
    (folder / "jobs.jsonl").unlink()
    run = Run.load(folder)
    assert (len(run.requests), run.jobs) == (20, [])
    (folder / "requests.jsonl").write_text('{"endpoint": 1}\n')
    with pytest.raises(UsageError, match=r"requests\.jsonl, line 1 is no RequestRecord"):
        Run.load(folder)


def at(run: Folder, end: float, verdict: str = "pass") -> Folder:
    run.info["window"] = {"start": end - 60, "end": end}
    run.result["verdict"] = verdict
    return run


def test_the_newest_valid_run_of_each_scenario_is_found(tmp_path: Path) -> None:
    """A failed run counts, an INVALID one does not, however new; nor does a link to one."""
    old = at(single(n=5), 1000).write(tmp_path / "b-old")
    new = at(single(n=5), 2000, "fail").write(tmp_path / "a-new")
    at(single(n=5), 3000, "invalid").write(tmp_path / "c-invalid")
    steps = at(ladder(users=(1, 5), jobs=5), 1500).write(tmp_path / "steps")
    (tmp_path / "latest").symlink_to(old.name)
    (tmp_path / "newest").symlink_to(new.name)
    assert newest_valid_runs(tmp_path) == {"single": new, "concurrent": steps}


def test_runs_with_faults_are_for_reliability_and_all_others_for_performance(tmp_path: Path) -> None:
    """Faults of providers, of processes, cancelled jobs; and what a reliability report is about in any case."""
    plain = at(single(n=5), 1000).write(tmp_path / "plain")
    failing = [llm_outage(), redis_restart(), cancellation(), normal(), named(redis_restart(), "single")]
    folders = [at(run, 2000 + number).write(tmp_path / str(number)) for number, run in enumerate(failing)]
    at(llm_outage(), 3000, "invalid").write(tmp_path / "invalid")
    assert newest_valid_runs(tmp_path) == {"single": plain}
    names = ("llm-outage", "redis-restart", "cancellation", "normal", "single")
    assert newest_reliability_runs(tmp_path) == dict(zip(names, folders, strict=True))


def named(run: Folder, scenario: str) -> Folder:
    run.info["scenario"] = scenario
    return run


def test_faults_of_calls_spoil_plans_and_nothing_else(tmp_path: Path) -> None:
    """A call that failed has no plan on record; the response time is compared as ever."""
    run = llm_outage()
    run.observe("mock.planned", [0.3] * 40, provider="llm")
    assert reservations(Run.load(run.write(tmp_path / "plans"))) == [
        (
            "faults met provider calls: of one that failed no planned latency is on record, while the mocks' histogram "
            "may hold it"
        )
    ]
    run = llm_outage()
    run.observe("load.response", [0.3] * 40)
    assert reservations(Run.load(run.write(tmp_path / "responses"))) == [
        "PromQL counts another n of “response time” (40 for 30 records), so its percentiles are of something else"
    ]


def test_cancelled_jobs_leave_stages_that_only_histograms_know(tmp_path: Path) -> None:
    run = cancellation()
    run.observe("stage", [0.017] * 12, stage="parse")
    run.observe("call", [0.3] * 12, provider="llm")
    (note,) = reservations(Run.load(run.write(tmp_path)))
    assert note.startswith("jobs were cancelled: ")


def test_a_summary_counts_the_calls_that_met_faults(tmp_path: Path) -> None:
    lines = summary(llm_outage().write(tmp_path))
    assert "faults 10 × outage llm" in lines


@pytest.mark.parametrize("missing", ["run.json", "jobs.jsonl", "result.json", "queries.json"])
def test_a_folder_that_lacks_a_file_is_passed_over(tmp_path: Path, missing: str) -> None:
    whole = at(single(n=5), 1000).write(tmp_path / "whole")
    broken = at(single(n=5), 2000).write(tmp_path / "broken")
    (broken / missing).unlink()
    assert newest_valid_runs(tmp_path) == {"single": whole}


def test_a_run_that_was_broken_off_is_passed_over(tmp_path: Path) -> None:
    """Without a window, with half a file, with half a rung, and what is no folder of a run at all."""
    unmeasured = single(n=5)
    unmeasured.info["window"] = None
    unmeasured.write(tmp_path / "unmeasured")
    (single(n=5).write(tmp_path / "half") / "result.json").write_text('{"scenario": ')
    steps = ladder(users=(1, 5), jobs=5).write(tmp_path / "steps")
    (steps / "rungs" / "users-5" / "result.json").unlink()
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "empty").mkdir()
    assert newest_valid_runs(tmp_path) == {}
    assert newest_valid_runs(tmp_path / "nowhere") == {}


def test_a_ladder_whose_rungs_went_missing_is_passed_over(tmp_path: Path) -> None:
    steps = ladder(users=(1, 5), jobs=5).write(tmp_path / "steps")
    assert json.loads((steps / "run.json").read_text())["load_model"] == "rungs"
    shutil.rmtree(steps / "rungs")
    assert newest_valid_runs(tmp_path) == {}
