"""The reliability report from folders made by hand: each figure where it belongs, and what is unknown said so."""

import re
from pathlib import Path
from typing import Any

import pytest

from contract.errors import UsageError
from reporter.newest import in_order
from reporter.reliability import SCENARIOS, reliability_text, write_reliability_report
from reporter.reliability_pictures import draw
from reporter.runs import Run
from tests.unit.reporter.folders import START, Folder
from tests.unit.reporter.ladder import ladder
from tests.unit.reporter.spoilt import (
    OUTAGE,
    cancellation,
    data_integrity,
    llm_outage,
    met,
    normal,
    partial_failures,
    redis_restart,
    spoilt,
    tts_failures,
    whole_suite,
)
from tests.unit.reporter.test_performance import row, section


def written(tmp_path: Path, *folders: Folder) -> str:
    """The text alone: drawing takes longer than all the rest."""
    runs = [Run.load(folder.write(tmp_path / "runs" / str(number))) for number, folder in enumerate(folders)]
    return reliability_text(in_order(runs, SCENARIOS), {})


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> str:
    return written(tmp_path_factory.mktemp("suite"), *whole_suite())


def test_the_headline_has_a_row_per_scenario_in_their_order(suite: str) -> None:
    rows = re.findall(r"^\| ([a-z-]+) +\| 2023", suite.split("## Key metrics", maxsplit=1)[0], re.MULTILINE)
    assert tuple(rows) == SCENARIOS
    assert "**VALID.**" in suite


def test_the_lines_that_a_paper_quotes(suite: str) -> None:
    """Of the scenarios that each is about; MTTR is the mean of 1.00 s and 0.00 s."""
    assert re.search(
        r"^Success rate: 98\.3% \(n = 60; exact 95 % interval 91\.1–100\.0 %\)\n"
        r"Recovery rate: 90\.0% \(n = 10; 9 of 10 jobs of which a call failed; exact 95 % interval 55\.5–99\.7 %\)\n"
        r"MTTR: 0\.50s\nData integrity: 95\.0% \(n = \d+\)\nReliability score: 0\.942$",
        suite,
        re.MULTILINE,
    )
    assert "1.00 s in `llm-outage` (known to 0.50 s), 0.00 s in `redis-restart` (known to 0.50 s)" in suite


def test_the_score_prints_its_formula_and_inputs(suite: str) -> None:
    score = section(suite, "Reliability score")
    assert row(score, "recovery of jobs")[3:] == ["2", "90.00 %", "10"]
    formula = "(3 × 0.9833 + 2 × 0.9000 + 3 × 0.9500 + 1 × 0.9000 + 1 × 0.9167) / 10 = 0.942"
    assert formula in score


def test_success_under_normal_conditions_has_its_exact_interval(suite: str) -> None:
    normal_ = section(suite, "Success under normal conditions")
    assert "**98.3 %** of 60 jobs" in normal_
    assert "91.1 % to 100.0 %" in normal_
    assert row(normal_, "failed") == ["failed", "1"]
    assert row(normal_, "llm-outage")[1:4] == ["40", "30", "75.0 %"]


def test_error_recovery_by_run_and_by_how_calls_failed(suite: str) -> None:
    recovery = section(suite, "Error recovery")
    found = row(recovery, "tts-failures")
    assert found[1:] == ["220", "10", "8", "80.0 %", "10", "90.0 %", "55.5–99.7 %", "1.13"]
    assert row(recovery, "normal")[2:7] == ["0", "0", "–", "0", "–"]
    how = recovery.split("### tts-failures")[1].split("###")[0]
    assert row(how, "status")[1:] == ["14", "10", "8", "80.0 %", "13"]
    assert row(how, "rate_limited")[1:] == ["1", "1", "0", "0.0 %", "no data"]
    assert [row(how, str(n))[1:] for n in (1, 2, 3, 4)] == [["210", "210"], ["8", "8"], ["1", "0"], ["1", "0"]]
    assert "backoff 1.250 s" in how


def test_recovery_time_states_its_resolution(suite: str) -> None:
    time = section(suite, "Recovery time")
    done = llm_outage().jobs[18]["held"] - START - 9
    outage = ["llm outage", "9.000 s", "1.000 s", "0.500 s", f"{done:.3f} s", "24", "91.7 %", "0.800 s", "no data", ""]
    assert row(time, "llm-outage")[1:] == outage
    assert row(time, "redis-restart")[1:4] == ["redis kill", "7.500 s", "0.000 s"]
    assert row(time, "tts-failures")[1:] == ["none", *["–"] * 6, "not opened", "no data", ""]


def test_the_first_alert_after_the_first_fault_is_told(tmp_path: Path) -> None:
    """The outage begins 5 s after the start; what fired before that, or later than another, did not detect it."""

    def first(*alerts: tuple[str, float]) -> str:
        run = llm_outage()
        run.answers["series.alerts"] = []
        for name, moment in alerts:
            run.read("series.alerts", [(START + moment + 5 * n, 1.0) for n in range(3)], alertname=name)
        return row(section(written(tmp_path / str(len(alerts)), run), "Recovery time"), "llm-outage")[-2]

    assert first(("QueueOld", 4.0), ("JobsFailing", 17.0), ("BreakerOpen", 12.0)) == "BreakerOpen after 7 s"
    assert first(("QueueOld", 4.0)) == "none"
    assert first() == "none"


def test_breakers_are_told_by_what_they_saved(suite: str) -> None:
    """10 calls met the outage, 30 attempts were refused: three quarters were saved."""
    breakers = section(suite, "Circuit breakers")
    found = ["LLM", "6", "2", "0.800 s", "2.500 s", "10", "30", "75.0 %", "3", "4", "0"]
    assert row(breakers, "llm-outage")[1:] == found
    assert "- +0.800 s: llm, worker-1, open\n- +0.900 s: llm, worker-2, open" in breakers
    assert "- +6.500 s: llm, worker-2, closed" in breakers


def test_a_breaker_that_had_no_reason_to_open_saved_nothing_and_wasted_nothing(suite: str) -> None:
    """15 calls met a fault, and none was to be refused for that."""
    assert row(section(suite, "Circuit breakers"), "tts-failures")[1:9] == [
        *("TTS", "0", "0", "not opened", "–", "15", "0", "–")
    ]


def test_a_breaker_that_did_not_open_says_so(tmp_path: Path) -> None:
    """Three worlds: it did not open, it never told, and it opened without any fault."""
    quiet = llm_outage()
    quiet.answers["series.breaker_changed"] = [
        sample | {"points": [[when, 0] for when, _ in sample["points"]]}
        for sample in quiet.answers["series.breaker_changed"]
    ]
    breakers = section(written(tmp_path / "quiet", quiet), "Circuit breakers")
    assert row(breakers, "llm-outage")[4:6] == ["not opened", "not closed"]
    silent = llm_outage()
    del silent.answers["series.breaker_changed"]
    assert row(section(written(tmp_path / "silent", silent), "Circuit breakers"), "llm-outage")[4] == "no data"
    strange = llm_outage()
    strange.info["provider_faults"] = []
    assert row(section(written(tmp_path / "strange", strange), "Circuit breakers"), "llm-outage")[4:6] == ["–", "–"]


def test_partial_jobs_are_told_by_what_was_replaced(suite: str) -> None:
    """Seven failed scenes: five lack their narration, three their picture, of which one was never called for."""
    partial = section(suite, "Partial failures").split("### partial-failures")[1]
    assert "90.0 % of 20 jobs were delivered (exact 95 % interval 68.3–98.8 %): 12 whole and 6 with" in partial
    assert [row(partial, str(n))[1] for n in (0, 1, 2)] == ["12", "5", "1"]
    assert [row(partial, kind)[1] for kind in ("narration", "visual")] == ["5", "3"]
    assert "- 2 × provider_failed: 3 of 5 scenes failed, more than half" in partial


def test_what_was_replaced_is_unknown_where_a_job_tells_no_calls(tmp_path: Path) -> None:
    run = partial_failures()
    run.jobs[12]["timings"] = None
    partial = section(written(tmp_path, run), "Partial failures")
    assert [row(partial, kind)[1] for kind in ("narration", "visual")] == ["no data", "no data"]


def test_cancellation_by_stage(suite: str) -> None:
    found = section(suite, "Cancellation")
    assert row(found, "at once")[1:] == ["2", "2", "0", "0", "0.040 s", "0", "0"]
    assert row(found, "scenes")[1:] == ["2", "1", "1", "0", "0.100 s", "0", "0"]
    assert row(found, "**all**")[1:] == ["6", "5", "1", "0", "0.100 s", "0", "0"]


def test_a_cancelled_job_that_tells_nothing_leaves_its_stage_unknown(tmp_path: Path) -> None:
    run = cancellation()
    run.jobs[1]["cancel"]["late_calls"] = None
    found = section(written(tmp_path, run), "Cancellation")
    assert row(found, "at once")[6:] == ["no data", "0"]
    assert row(found, "script")[6:] == ["0", "0"]
    assert row(found, "**all**")[6:] == ["no data", "0"]


def test_each_loss_is_named(suite: str) -> None:
    integrity = section(suite, "Data integrity")
    assert row(integrity, "data-integrity")[1:] == ["240", "237", "20", "19", "95.00 %", "3"]
    assert "- video_09 shows scene 3 as scene 4" in integrity


def test_the_seven_counts_of_every_run_chaos_included(tmp_path: Path) -> None:
    chaos = spoilt("worker-crash", ["completed"] * 10)
    chaos.result["counts"] |= {"attempted": 11, "lost": 1, "duplicated": 3, "recovered": 2}
    chaos.process_faults = [{"target": "worker", "kind": "kill", "victim": "worker-1", "start": START, "end": None}]
    report = written(tmp_path, chaos, normal())
    counts = section(report, "Counts and books")
    assert row(counts, "worker-crash")[1:8] == ["11", "10", "10", "1", "0", "3", "2"]
    assert row(counts, "normal")[1:8] == ["60", "60", "59", "0", "0", "0", "0"]
    assert row(section(report, "Faults"), "worker-crash")[1:] == ["worker", "kill", "1", "no data"]
    assert report.index("| normal ") < report.index("| worker-crash")


def test_faults_are_told_by_their_plan_and_by_each_party(suite: str) -> None:
    faults = section(suite, "Faults")
    plan = faults.split("### llm-outage")[1]
    assert row(plan, "0")[1:] == ["LLM", "outage", "100 %", "5 s", "4 s", "–", "10"]
    assert row(plan, "llm outage")[1:] == ["10", "10", "10", "0", "10", "yes"]
    assert row(faults, "tts error")[1:] == ["15", "15", "15", "0", "15", "yes"]
    persistent = row(faults.split("### partial-failures")[1], "0")
    assert persistent[5:7] == ["to the end", "all attempts of a scene or none, status 503"]
    assert row(faults, "redis-restart")[1:] == ["redis", "kill", "2", "0.500 s"]


def test_books_that_were_closed_stand_in_place_of_our_own_count(tmp_path: Path) -> None:
    run = llm_outage()
    parties = {"decided": 10, "mock_metrics": 11, "answered": 10, "accounted": 10}
    run.result["books"].append({"name": "faults, llm outage", "parties": parties, "pass": False})
    calls = {"records": 10, "workers": 10}
    run.result["books"].append({"name": "calls failed, llm", "parties": calls, "pass": True})
    faults = section(written(tmp_path, run), "Faults")
    assert row(faults, "faults, llm outage")[1:] == ["10", "11", "10", "10", "–", "–", "NO"]
    assert row(faults, "calls failed, llm")[1:] == ["–", "–", "–", "–", "10", "10", "yes"]
    assert "Seen by the workers" not in faults


def spoil(run: Folder, **changes: Any) -> Folder:
    run.faulted_calls[0] |= changes
    return run


def test_a_fault_that_does_not_add_up_shows(tmp_path: Path) -> None:
    """One that nobody answered, one that its worker saw end otherwise, one of a job of another run, one uncounted."""
    unanswered = spoil(llm_outage(), answered=None)
    assert row(section(written(tmp_path / "a", unanswered), "Faults"), "llm outage")[2::4] == ["9", "NO"]
    contradicted = spoil(llm_outage(), kind="corrupt")
    found = row(section(written(tmp_path / "b", contradicted), "Faults"), "llm corrupt")
    assert found[1:] == ["1", "1", "0", "0", "no data", "no data"]
    foreign = spoil(llm_outage(), key="other/1 0 1 1")
    assert row(section(written(tmp_path / "c", foreign), "Faults"), "llm outage")[1:] == [
        *("10", "10", "9", "0", "10", "NO")
    ]


def test_a_fault_whose_job_was_cancelled_or_run_again_is_explained(tmp_path: Path) -> None:
    run = spoilt("tts-failures", ["cancelled", "completed"], [{"provider": "tts", "kind": "error"}])
    for record in run.jobs:
        met(run, record, "tts", 1, "error")
    run.jobs[1]["executions"] = 2
    run.count("mock.faults", 2, provider="tts", kind="error")
    assert row(section(written(tmp_path, run), "Faults"), "tts error")[1:] == ["2", "2", "0", "2", "2", "yes"]


def test_the_backlog_and_how_long_it_took(suite: str) -> None:
    """The job due at 8.5 s ended after the outage had; the queue was at 12 from the reading at 6 s on."""
    found = row(section(suite, "Backlog"), "llm-outage")
    assert found[1:6] == ["12", "6.000 s", "3", "1", "–"]
    assert re.fullmatch(r"0\.\d{3} s", found[6])


def test_a_run_along_its_load(suite: str) -> None:
    """Jobs by when they were due, with the outage marked; the breakers a character for a third of a second."""
    course = section(suite, "Against time").split("### llm-outage")[1].split("\n###")[0]
    assert re.search(r"^  4\.0–  5\.0 s +2 of 2  #{40}$", course, re.MULTILINE)
    assert re.search(r"^  5\.0–  6\.0 s ! +0 of 2$", course, re.MULTILINE)
    assert re.search(r"^  9\.0– 10\.0 s +0 of 2$", course, re.MULTILINE)
    strip = re.search(r"^llm, worker-1  (\S{60})$", course, re.MULTILINE)
    assert strip
    assert re.fullmatch(r"\.+O+h+\.+", strip[1])
    assert re.search(r"^  6\.0–  7\.0 s ! +12  #{40}$", course, re.MULTILINE)


def test_the_same_runs_give_the_same_bytes(tmp_path: Path) -> None:
    """And a figure for each run with a course, and one of jobs for each run to which anything was done."""
    paths = [folder.write(tmp_path / "runs" / str(number)) for number, folder in enumerate(whole_suite())]
    report = write_reliability_report(paths, tmp_path / "reports" / "reliability_report.md").read_text()
    pictures = re.findall(r"\]\(figures/(.+?\.svg)\)", report)
    failing = ("tts-failures", "llm-outage", "partial-failures", "redis-restart")
    courses = [f"reliability_{name}.svg" for name in failing]
    touched = ("tts-failures", "llm-outage", "partial-failures", "cancellation", "redis-restart")
    assert pictures == courses + [f"reliability_waterfall_{name}.svg" for name in touched]
    chosen = in_order([Run.load(path) for path in paths], SCENARIOS)
    assert reliability_text(chosen, draw(chosen, tmp_path / "again" / "figures")) == report
    for picture in pictures:
        content = (tmp_path / "reports" / "figures" / picture).read_bytes()
        assert content.startswith(b"<?xml")
        assert content == (tmp_path / "again" / "figures" / picture).read_bytes()


def test_scenarios_that_nobody_ran_are_said_not_to_have_been(tmp_path: Path) -> None:
    report = written(tmp_path, normal())
    assert [row(report, name)[-1] for name in SCENARIOS[1:]] == ["not run"] * 6
    quoted = ("Recovery rate: not run", "MTTR: not run", "Data integrity: not run")
    assert all(f"\n{line}\n" in report for line in quoted)
    unknown = "tts-failures: not run, data-integrity: not run, partial-failures: not run, llm-outage: not run"
    assert f"\nReliability score: no data ({unknown})\n" in report
    for title in ("Partial failures", "Cancellation", "Data integrity"):
        assert "`: not run." in section(report, title)
    for title in ("Recovery time", "Circuit breakers", "Faults", "Backlog", "Against time"):
        assert section(report, title).strip().endswith(": not run.")
    assert row(section(report, "Reliability score"), "data integrity")[4:] == ["not run", "–"]


def test_without_the_normal_scenario_its_section_says_so(tmp_path: Path) -> None:
    report = written(tmp_path, redis_restart())
    assert "Scenario `normal`: not run." in section(report, "Success under normal conditions")
    assert "\nSuccess rate: not run\n" in report
    assert "\nMTTR: 0.00s\n" in report


def test_an_invalid_run_is_not_quoted(tmp_path: Path) -> None:
    """Nor does its time to recovery go into the mean, nor its share into the score."""
    bad = [normal(), llm_outage()]
    for run in bad:
        run.result |= {"verdict": "invalid", "reasons": ["the books do not balance"]}
    report = written(tmp_path / "a", *bad, redis_restart())
    assert "\nSuccess rate: no figure, the run is INVALID\n" in report
    assert "\nMTTR: 0.00s\n" in report
    assert "normal: no figure, the run is INVALID" in report
    assert "\nMTTR: no figure, the run is INVALID\n" in written(tmp_path / "b", *bad)


def test_a_run_that_did_not_recover_leaves_the_mean_unknown(tmp_path: Path) -> None:
    run = llm_outage()
    for job in run.jobs[8:]:
        job["outcome"] = "failed"
    report = written(tmp_path, run, redis_restart())
    assert "\nMTTR: no data (llm-outage: no 5 successes in a row among the 24 jobs due after llm outage)\n" in report
    assert "no 5 successes in a row" in row(section(report, "Recovery time"), "llm-outage")[-1]


def test_without_prometheus_exact_figures_stand(tmp_path: Path) -> None:
    """What rests on PromQL says that there is no data, and is never 0."""
    run = llm_outage()
    run.answers = {}
    report = written(tmp_path, run)
    found = row(section(report, "Recovery time"), "llm-outage")
    assert [found[3], found[4], *found[6:9]] == ["1.000 s", "0.500 s", "24", "91.7 %", "no data"]
    found = row(section(report, "Circuit breakers"), "llm-outage")
    assert found[2:] == ["no data", "no data", "no data", "no data", "10", "no data", "no data", *["no data"] * 3]
    assert row(section(report, "Backlog"), "llm-outage")[1:4] == ["no data", "–", "no data"]
    assert "Circuit breakers: no data." in report
    assert "Queue: no data." in report


def test_a_run_that_was_never_judged_is_told_without_a_verdict(tmp_path: Path) -> None:
    folder = data_integrity().write(tmp_path)
    (folder / "result.json").unlink()
    report = reliability_text(in_order([Run.load(folder)], SCENARIOS), {})
    assert "data-integrity: the run was not judged" in report
    assert row(section(report, "Data integrity"), "data-integrity")[1:] == ["no data"] * 6
    assert row(section(report, "Counts and books"), "data-integrity")[1:] == ["no data"] * 10


def test_a_run_without_jobs_has_no_figures(tmp_path: Path) -> None:
    """And is told all the same."""
    empty = spoilt("normal", [])
    outage = spoilt("llm-outage", [], [OUTAGE])
    report = written(tmp_path, empty, outage)
    assert "Scenario `normal`: no data: no job was attempted." in report
    assert row(section(report, "Recovery time"), "llm-outage")[3:8] == [*["no data"] * 3, "0", "no data"]


def test_runs_of_several_rungs_have_their_rows(tmp_path: Path) -> None:
    report = written(tmp_path, ladder(users=(1, 5)), normal())
    assert row(section(report, "Counts and books"), "concurrent, users-5")[1:4] == ["80", "80", "80"]


def test_tables_keep_their_columns(suite: str) -> None:
    for block in suite.split("\n\n"):
        lines = block.splitlines()
        if lines and lines[0].startswith("| "):
            assert {len(re.findall(r"(?<!\\)\|", line)) for line in lines} == {len(re.findall(r"\|", lines[1]))}


def test_the_appendix_tells_how_many_readings_there_were(suite: str) -> None:
    appendix = section(suite, "Appendix: PromQL")
    assert "t2v_breaker_changed_timestamp_seconds[60000ms] @ 1700000060.000" in appendix
    assert "18 series, 1080 readings" in appendix
    assert "histogram_quantile" not in appendix, "latencies are another report's"


def test_what_is_no_run_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"run\.json cannot be read"):
        write_reliability_report([tmp_path], tmp_path / "report.md")
    with pytest.raises(UsageError, match="at least one run"):
        write_reliability_report([], tmp_path / "report.md")
    folder = tts_failures().write(tmp_path / "run")
    with (folder / "faults.jsonl").open("a") as lines:
        lines.write('{"kind": "splendid"}\n')
    with pytest.raises(UsageError, match=r"faults\.jsonl, line 16 is no FaultedCall"):
        write_reliability_report([folder], tmp_path / "report.md")
