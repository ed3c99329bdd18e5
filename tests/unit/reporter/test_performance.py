"""The report from folders made by hand: what it says, and that a planted defect shows."""

import re
from pathlib import Path
from typing import Any

import pytest

from contract.errors import UsageError
from reporter.newest import newest_by_scenario
from reporter.performance import base_of, component_run, ladders_of, performance_text, write_performance_report
from reporter.pictures import draw
from reporter.runs import Run
from tests.unit.reporter.folders import Folder, single
from tests.unit.reporter.ladder import api, ladder


def written(tmp_path: Path, *folders: Folder) -> str:
    """The text alone: drawing takes longer than all the rest."""
    runs = [Run.load(folder.write(tmp_path / "runs" / str(number))) for number, folder in enumerate(folders)]
    return text_of(runs)


def text_of(runs: list[Run]) -> str:
    chosen = newest_by_scenario(runs)
    return performance_text(chosen, ladders_of(chosen), {})


def drawn(tmp_path: Path, *folders: Folder) -> str:
    paths = [folder.write(tmp_path / "runs" / str(number)) for number, folder in enumerate(folders)]
    return write_performance_report(paths, tmp_path / "reports" / "performance_report.md").read_text()


def section(report: str, title: str) -> str:
    return report.split(f"\n## {title}\n")[1].split("\n## ", maxsplit=1)[0]


def row(text: str, first: str) -> list[str]:
    """The cells of the first table row that begins so."""
    line = next(line for line in text.splitlines() if re.match(rf"\| *{re.escape(first)} *\|", line))
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_a_good_run(tmp_path: Path) -> None:
    """Stamp, verdict, exact figures beside PromQL's, key metrics, method and appendix."""
    report = written(tmp_path, single())
    assert "**VALID.**" in report
    assert row(report, "single") == ["single", "20231114-221320-single", "60", "VALID", "pass"]
    assert row(report, "concurrent")[-1] == "not run"
    response = section(report, "Response time")
    assert row(response, "P95")[-1] == "yes"
    assert row(response, "P99")[1:] == ["max 0.774 s (n = 60 < 299)", "–", "–", "n too small"]
    assert "Response time: 0.622s ± 0.056s\nThroughput: not run\nP95 latency: 715ms" in report
    assert row(section(report, "Success rate"), "single")[-1] == "94.0 % to 100.0 %"
    assert "Median overhead: **17.0 ms**" in report
    assert row(section(report, "Component analysis"), "**response time**")[-1] == "100.0 %"
    assert "seed" in section(report, "Method")
    assert "histogram_quantile(0.95" in section(report, "Appendix: PromQL")
    assert "Reservations" not in report


def test_a_ladder_and_the_same_bytes_again(tmp_path: Path) -> None:
    """All figures of a ladder are drawn, and the same runs give the same bytes."""
    report = drawn(tmp_path, single(), ladder(jobs=60))
    figures = tmp_path / "reports" / "figures"
    pictures = re.findall(r"\]\(figures/(.+?\.svg)\)", report)
    assert sorted(pictures) == sorted(path.name for path in figures.glob("*.svg"))
    assert len(pictures) == 5
    chosen = newest_by_scenario([Run.load(tmp_path / "runs" / number) for number in "01"])
    again = draw(base_of(chosen), component_run(chosen), ladders_of(chosen), tmp_path / "again" / "figures")
    assert performance_text(chosen, ladders_of(chosen), again) == report
    for picture in pictures:
        content = (figures / picture).read_bytes()
        assert content.startswith(b"<?xml")
        assert content == (tmp_path / "again" / "figures" / picture).read_bytes()


def test_tables_keep_their_columns(tmp_path: Path) -> None:
    """Each line of a table has its header's number of cells, pipes in PromQL and names included."""
    run = single()
    run.result["targets"][0]["note"] = "one | two"
    for block in written(tmp_path, run, ladder(), api()).split("\n\n"):
        lines = block.splitlines()
        if lines and lines[0].startswith("| "):
            assert {len(re.findall(r"(?<!\\)\|", line)) for line in lines} == {len(re.findall(r"\|", lines[1]))}


def test_a_shifted_quantile_is_flagged(tmp_path: Path) -> None:
    """PromQL's P95 10 % too high lies outside the bucket that holds the exact one."""
    run = single()
    run.answers["load.response.p95"][0]["value"] *= 1.1
    report = written(tmp_path, run)
    assert row(section(report, "Response time"), "P95")[-1] == "NO"
    assert "PromQL's P95 of “response time” does not fit the exact one (NO)" in report


def test_records_that_prometheus_did_not_see_are_flagged(tmp_path: Path) -> None:
    """A slow record that the histogram lacks: another n, which no bucket can excuse."""
    run = single()
    run.jobs.append(run.jobs[-1] | {"index": 60, "response_seconds": 9.0})
    report = written(tmp_path, run)
    assert row(section(report, "Response time"), "P50")[-1] == "NO: n differs"
    assert report.count("PromQL counts another n of “response time” (60 for 61 records)") == 1


def test_a_stage_that_histograms_show_slower_is_flagged(tmp_path: Path) -> None:
    """The stages' histograms hold 200 ms more in assembly than the records tell."""
    run = single()
    for name in [name for name in run.answers if name.startswith("stage.")]:
        run.answers[name] = [s for s in run.answers[name] if s["labels"].get("stage") != "assemble"]
    run.observe("stage", [0.218] * 60, stage="assemble")
    report = written(tmp_path, run)
    assert row(section(report, "Calibration"), "stage assemble")[-1] == "NO"
    assert row(section(report, "Calibration").split("Worst deviation")[1], "single")[-1] == "NO"
    assert "of “stage assemble” does not fit" in report


def test_without_prometheus_there_is_no_data(tmp_path: Path) -> None:
    """Exact figures stand; what rests on PromQL says so and is never 0."""
    run = single()
    run.answers = {}
    report = written(tmp_path, run)
    response = section(report, "Response time")
    assert row(response, "P50")[1:] == ["0.609 s", "no data", "no data", "no data"]
    assert section(report, "API latency").strip() == "API latency: no data."
    assert row(section(report, "Counts and books").split("Growth")[1], "completed") == [
        "completed",
        "60",
        "no data",
        "no data",
        "no data",
    ]
    assert "CPU time of the processes: no data." in report


def test_a_run_without_answers_on_file_says_so(tmp_path: Path) -> None:
    folder = single().write(tmp_path / "run")
    (folder / "queries.json").unlink()
    report = text_of([Run.load(folder)])
    assert "single: Prometheus was not asked" in report


def test_a_run_without_jobs_has_no_figures(tmp_path: Path) -> None:
    report = drawn(tmp_path, single(n=0))
    assert "Response time: no data." in section(report, "Response time")
    assert "Success rate: no data" in report
    assert ".svg" not in report


def test_a_target_without_data_fails_and_says_so(tmp_path: Path) -> None:
    run = single()
    run.result |= {"verdict": "fail"}
    run.result["targets"][0] |= {"value": None, "pass": False}
    found = row(written(tmp_path, run).split("Target")[1], "single")
    assert (found[2], found[5]) == ("no data", "FAIL: no data")


def test_a_missed_target_shows(tmp_path: Path) -> None:
    run = single()
    run.result["verdict"] = "fail"
    run.result["targets"][0] |= {"value": 2.5, "pass": False}
    report = written(tmp_path, run)
    assert row(report, "single")[-1] == "fail"
    assert row(report.split("Target")[1], "single")[5] == "FAIL"
    assert "**VALID.**" in report


def test_an_invalid_run_is_stamped_with_its_reasons(tmp_path: Path) -> None:
    run = single()
    run.result |= {"verdict": "invalid", "reasons": ["the books do not balance: worker 59, ledger 60"]}
    report = written(tmp_path, run)
    assert "**INVALID.** The figures must not be used." in report
    assert "- single: the books do not balance: worker 59, ledger 60" in report


@pytest.mark.parametrize(
    "target",
    [
        {"name": "success_rate", "value": 1.0, "op": ">=", "limit": 0.95, "unit": "ratio", "pass": True, "n": 60},
        {"name": "api_p99", "value": 0.1, "op": "<", "limit": 0.5, "unit": "s", "pass": True, "n": 60},
    ],
)
def test_too_few_jobs_for_a_target_are_stamped(tmp_path: Path, target: dict[str, Any]) -> None:
    """60 of 60 may still be 94 %; a P99 needs 299."""
    run = single()
    run.result["targets"].append(target)
    report = written(tmp_path, run)
    assert "**UNDER-SAMPLED.**" in report
    assert report.count("pass, UNDER-SAMPLED") == 1


def test_a_restarted_counter_is_a_reservation(tmp_path: Path) -> None:
    run = single()
    run.answers["meta.restarts"][0]["value"] = 1
    assert "counters of service/service-1 restarted within the window" in written(tmp_path, run)


def test_another_workload_and_dirty_code_are_reservations(tmp_path: Path) -> None:
    run = single()
    run.info |= {"workload_changed": ["slots"], "git_dirty": True}
    report = written(tmp_path, run)
    assert "not the default workload: slots differ" in report
    assert "no revision holds" in report


def test_the_newest_of_two_runs_counts(tmp_path: Path) -> None:
    older, newer = single(seed=1), single(seed=2)
    older.info["id"], newer.info["id"] = "older", "newer"
    older.info["window"] = {"start": 1.0, "end": 2.0}
    report = written(tmp_path, newer, older)
    assert row(report, "single")[1] == "newer"
    assert "older" not in report


def test_what_is_no_run_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"run\.json cannot be read"):
        write_performance_report([tmp_path], tmp_path / "report.md")
    with pytest.raises(UsageError, match="at least one run"):
        write_performance_report([], tmp_path / "report.md")
    folder = single().write(tmp_path / "run")
    with (folder / "jobs.jsonl").open("a") as lines:
        lines.write('{"outcome": "splendid"}\n')
    with pytest.raises(UsageError, match=r"jobs\.jsonl, line 64 "):
        write_performance_report([folder], tmp_path / "report.md")


@pytest.mark.parametrize(
    ("users", "slots", "loads"),
    [
        ((5, 10), 32, ["1 user", "5 users", "10 users"]),
        ((1, 5), 32, ["1 user", "5 users"]),
        ((5, 10), 4, ["5 users", "10 users"]),
    ],
    ids=["begins above one user", "has one user", "another workload"],
)
def test_a_sweep_goes_on_from_single_where_that_met_the_same_conditions(
    tmp_path: Path, users: tuple[int, ...], slots: int, loads: list[str]
) -> None:
    one = single()
    one.info["workload"] = one.info["workload"] | {"slots": slots}
    one.info["machine"] = one.info["machine"] | {"cores": 4}
    runs = [Run.load(folder.write(tmp_path / name)) for name, folder in (("one", one), ("many", ladder(users)))]
    chosen = newest_by_scenario(runs)
    rungs = ladders_of(chosen)["concurrent"]
    text = performance_text(chosen, {"concurrent": rungs}, {"load concurrent": "figures/load.svg"})
    assert "(figures/load.svg)" in text
    assert [rung.load for rung in rungs] == loads
    assert rungs[0].run.info.scenario == ("concurrent" if users[0] == 1 or slots == 4 else "single")
