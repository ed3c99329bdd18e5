"""The resources report from folders made by hand: each figure where it belongs, and what is unknown said so."""

import re
from pathlib import Path

import pytest

from contract.errors import UsageError
from reporter.newest import newest_resources_runs, newest_valid_runs
from reporter.resources import SCENARIOS, write_resources_report
from tests.unit.reporter.folders import Folder, single
from tests.unit.reporter.resources import resources
from tests.unit.reporter.spent import pooling, spent
from tests.unit.reporter.test_cache_section import twice


def written(tmp_path: Path, *folders: Folder) -> str:
    paths = [folder.write(tmp_path / "runs" / str(number)) for number, folder in enumerate(folders)]
    return write_resources_report(paths, tmp_path / "reports" / "resources_report.md").read_text(encoding="utf-8")


def test_each_scenario_has_its_row_and_the_paper_its_lines(tmp_path: Path) -> None:
    own = [resources(name) for name in ("idle", "job-profile", "scaling", "leak")]
    report = written(tmp_path, twice(), pooling(), spent(), *own)
    rows = re.findall(r"^\| ([a-z-]+) +\| 2023", report.split("## Key metrics", maxsplit=1)[0], re.MULTILINE)
    assert tuple(rows) == (*SCENARIOS, "single")
    assert re.search(
        r"^Memory per job: 1\.. MB \(over rest at most 1\.. MB, in .+ with 4 in flight\)$", report, re.MULTILINE
    )
    assert re.search(r"^Cost per 1000 jobs: \d+\.\d\d USD \(run .+, 60 jobs; .+\)$", report, re.MULTILINE)
    assert re.search(r"^Cache hit rate: 50\.0% \(n = 220; .+110 of 110 achievable hits\)$", report, re.MULTILINE)
    pictures = re.findall(r"!\[[^\]]*\]\((figures/resources_[\w-]+\.svg)\)", report)
    assert [Path(picture).stem.removeprefix("resources_") for picture in pictures] == [
        "memory_job-profile",
        "memory_leak",
        "cpu",
        "cost",
    ]
    assert all((tmp_path / "reports" / picture).exists() for picture in pictures)


def test_what_nobody_ran_is_not_run(tmp_path: Path) -> None:
    report = written(tmp_path, spent())
    for line in ("Memory per job", "Cache hit rate", "Memory at rest", "CPU by stage", "Growth with the jobs"):
        assert re.search(rf"^{line}: not run\.?$", report, re.MULTILINE), line
    assert "Scenario `cache`: not run." in report
    assert "Scenario `pooling`: not run." in report


def test_what_an_invalid_run_measured_is_not_quoted(tmp_path: Path) -> None:
    spoilt = [twice(), *(resources(name) for name in ("idle", "job-profile", "leak"))]
    for run in spoilt:
        run.result |= {"verdict": "invalid", "reasons": ["planted"]}
    report = written(tmp_path, *spoilt)
    for line in ("Memory per job", "Cache hit rate", "Memory at rest", "Memory along `leak`", "CPU by stage"):
        said = re.search(rf"^{line}: (.+)$", report, re.MULTILINE)
        assert said is not None, line
        assert re.search(r"\d", said[1]) is None, line
    assert "**`leak`: no figure, the run is INVALID**" in report
    assert "figures/" not in report


def test_prices_of_ones_own_are_used_and_wrong_ones_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    example = Path("reporter/prices.toml").read_text(encoding="utf-8")
    mine = tmp_path / "mine.toml"
    monkeypatch.setenv("REELBENCH_PRICES", str(mine))
    mine.write_text(re.sub(r'^currency = ".+"', 'currency = "XTS"', example, flags=re.MULTILINE))
    assert "XTS (run" in written(tmp_path, spent())
    mine.write_text("currency = 1")
    with pytest.raises(UsageError, match=r"mine\.toml"):
        written(tmp_path, spent())


def test_the_performance_report_leaves_them_out(tmp_path: Path) -> None:
    plain, cached = single().write(tmp_path / "plain"), twice().write(tmp_path / "cached")
    assert newest_valid_runs(tmp_path) == {"single": plain}
    assert newest_resources_runs(tmp_path) == {"cache": cached}
