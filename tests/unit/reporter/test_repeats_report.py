"""What is told of a scenario that was run several times."""

import math
import shutil
from pathlib import Path
from statistics import fmean, stdev

import pytest
from scipy import stats

from contract.errors import UsageError
from contract.runset import Member, SetKind
from reporter.runs import Run
from reporter.statistics import percentile
from reporter.study.repeats_report import headline, repeated, write_repeats
from reporter.study.sets import read_set, run_set
from tests.unit.reporter.folders import Folder
from tests.unit.reporter.sets import repeat, write_set

SEEDS = (1, 2, 3, 4, 5)


def a_set(tmp_path: Path, folders: dict[str, Folder | None], repeats: int = 5) -> Path:
    members = [
        (
            Member(run=name, scenario="single", seed=place, broken=None if folder else "the port 9090 is taken"),
            folder,
        )
        for place, (name, folder) in enumerate(folders.items(), start=1)
    ]
    return write_set(tmp_path / "set", SetKind.REPEATS, members, repeats)


def rows(text: str, title: str) -> list[list[str]]:
    found = [line for line in text.splitlines() if line.startswith(f"| {title}")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in found]


def test_mean_deviation_variation_and_interval_are_over_runs(tmp_path: Path) -> None:
    folder = a_set(tmp_path, {f"r{s}": repeat(s, 1) for s in SEEDS})
    runs = [Run.load(folder / "runs" / f"r{s}") for s in SEEDS]
    means = [1000 * fmean(run.responses) for run in runs]
    low, high = stats.t.interval(0.95, 4, loc=fmean(means), scale=stats.sem(means))
    [row] = rows(write_repeats(folder).read_text(), "response time, mean")
    assert row[1:4] == ["5", f"{fmean(means):.1f} ms", f"{stdev(means):.4g} ms"]
    assert row[4] == f"{100 * stdev(means) / fmean(means):.1f} %"
    assert row[5] == f"{low:.1f} to {high:.1f} ms"
    assert row[6:] == [f"{min(means):.1f} ms", f"{max(means):.1f} ms"]


def test_percentiles_are_of_all_jobs_and_no_average_of_percentiles(tmp_path: Path) -> None:
    """One run of five is three times as slow: the P95 of all jobs lies among its own."""
    folders = {f"r{s}": repeat(s, 1) for s in SEEDS}
    for job in folders["r5"].jobs:
        job["response_seconds"] *= 3
    folder = a_set(tmp_path, dict(folders))
    responses = [Run.load(folder / "runs" / name).responses for name in folders]
    pooled = percentile([value for run in responses for value in run], 0.95)
    averaged = fmean(percentile(run, 0.95) for run in responses)
    assert not math.isclose(pooled, averaged, rel_tol=0.1)
    [row] = rows(write_repeats(folder).read_text(), "P95 ")
    assert row[1:3] == ["300", f"{1000 * pooled:,.1f} ms"]


def test_a_percentile_needs_its_jobs(tmp_path: Path) -> None:
    text = write_repeats(a_set(tmp_path, {f"r{s}": repeat(s, 1, jobs=20) for s in (1, 2)}, 2)).read_text()
    assert rows(text, "P95 ")[0][2] == "no data: 59 jobs are needed"


def test_runs_that_failed_are_counted_and_named(tmp_path: Path) -> None:
    folders: dict[str, Folder | None] = {f"r{s}": repeat(s, 1) for s in SEEDS}
    for name, verdict, reasons in (("r2", "fail", []), ("r3", "invalid", ["requests left late"])):
        spoilt = folders[name]
        assert spoilt
        spoilt.result |= {"verdict": verdict, "reasons": reasons}
    folders["r6"] = None
    folder = a_set(tmp_path, folders, repeats=7)
    text = write_repeats(folder).read_text()
    counted = "7 runs: 4 VALID, 1 INVALID, 1 missed a target, 1 could not be made or are gone, 1 not begun"
    assert counted in text
    assert headline(folder)[0] == counted
    assert rows(text, "`r3`")[0][2:] == ["INVALID", "invalid", "requests left late"]
    assert rows(text, "`r6`")[0][2:] == ["not made", "–", "the port 9090 is taken"]
    assert rows(text, "response time, mean")[0][1] == "4"
    assert rows(text, "response time, P95")[0][2] == "4 of 4"


def test_a_run_of_rungs_is_told_rung_by_rung(tmp_path: Path) -> None:
    folders: dict[str, Folder | None] = {}
    for seed in (1, 2):
        whole = repeat(seed, 1, jobs=20)
        whole.info["load_model"] = "rungs"
        for users in (1, 5):
            rung = repeat(seed, users, jobs=20)
            rung.info |= {"rung": f"users-{users}", "concurrency": users}
            whole.rungs[f"users-{users}"] = rung
        folders[f"r{seed}"] = whole
    text = write_repeats(a_set(tmp_path, folders, 2)).read_text()
    assert "## Over runs, users-1" in text
    assert "## Over runs, users-5" in text
    assert "figures/repeats_users-5.svg" in text


def test_a_single_run_has_no_spread(tmp_path: Path) -> None:
    folder = a_set(tmp_path, {"r1": repeat(1, 1)}, 1)
    [row] = rows(write_repeats(folder).read_text(), "response time, mean")
    assert row[3:6] == ["no data"] * 3
    [one, *_] = repeated(run_set("A", [folder]).runs)
    assert (one.deviation, one.variation, one.over_runs) == (None, None, None)


def test_a_set_of_which_nothing_may_be_used_says_so(tmp_path: Path) -> None:
    text = write_repeats(a_set(tmp_path, {"r1": None}, 1)).read_text()
    assert "1 could not be made" in text
    assert "response time" not in text.partition("## Method")[0]


def test_a_folder_without_a_set_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is this a set of runs"):
        write_repeats(tmp_path)
    (tmp_path / "set.json").write_text("{}")
    with pytest.raises(UsageError, match=r"set\.json is not as a set of runs has it"):
        write_repeats(tmp_path)


def test_what_others_wrote_breaks_no_table_and_leads_to_no_other_folder(tmp_path: Path) -> None:
    folder = a_set(tmp_path, {"r1": repeat(1, 1)}, 2)
    told = read_set(folder)
    told.members.append(Member(run="r2", scenario="single", seed=2, broken="a | b\n\n# H <b>*c*"))
    (folder / "set.json").write_text(told.model_dump_json())
    [row] = [line for line in write_repeats(folder).read_text().splitlines() if line.startswith("| `r2`")]
    assert row.rstrip(" |").endswith(r"a \| b \# H \<b\>\*c\*")
    rung = folder / "runs" / "r1" / "run.json"
    rung.write_text(rung.read_text().replace('"concurrency"', '"rung":"x/../../y","concurrency"'))
    with pytest.raises(UsageError, match="rung"):
        write_repeats(folder)


def test_a_run_whose_folder_is_gone_is_named(tmp_path: Path) -> None:
    folder = a_set(tmp_path, {f"r{s}": repeat(s, 1) for s in SEEDS})
    shutil.rmtree(folder / "runs" / "r2")
    assert run_set("A", [folder]).left_out == ["r2 (seed 2) is not there any more"]
    assert rows(write_repeats(folder).read_text(), "`r2`")[0][2] == "gone"
