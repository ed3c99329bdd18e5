"""Resources: what inputs that come again cost with a cache, judged on the real stack. Ends with the report."""

import re
from pathlib import Path

import pytest

from contract.runfolder import Result, Verdict
from reporter.newest import newest_resources_runs
from reporter.resources import SCENARIOS, write_resources_report
from reporter.summary import summary
from stack.places import reports_dir, runs_dir
from tests.test_data_helper import Measured, result_of


@pytest.fixture(scope="session")
async def cache_run(measured: Measured) -> Path:
    return await measured("cache")


@pytest.fixture
def result(cache_run: Path) -> Result:
    return result_of(cache_run)


def test_the_run_is_valid_and_what_the_cache_saved_is_what_the_mocks_were_not_asked(result: Result) -> None:
    assert result.verdict is Verdict.PASS, result.reasons
    saved = [entry for entry in result.books if entry.name.startswith("calls saved")]
    assert len(saved) == 3
    assert all(entry.passed and None not in entry.parties.values() for entry in saved)


def test_at_least_40_percent_of_the_lookups_are_hits(result: Result) -> None:
    [target] = [target for target in result.targets if target.name == "cache_hit_rate"]
    assert target.value is not None
    assert target.value >= 0.40


def test_generate_resources_report(cache_run: Path) -> None:
    """From the newest runs there are; what is not run, the report calls so."""
    chosen = newest_resources_runs(runs_dir()) | {"cache": cache_run}
    folders = [chosen[name] for name in SCENARIOS if name in chosen]
    report = write_resources_report(folders, reports_dir() / "resources_report.md")
    print("\n".join([*summary(cache_run), "", f"report: {report}"]))  # noqa: T201 - what `pytest -s` is asked for

    text = report.read_text(encoding="utf-8")
    for line in (
        r"Cost per 1000 jobs: \d+\.\d+ \w+ \(run .+\)",
        r"Cache hit rate: \d+\.\d% \(n = \d+; .+\)",
    ):
        assert re.search(rf"^{line}$", text, re.MULTILINE), line
    assert re.findall(r"!\[[^\]]*\]\((figures/resources_[\w-]+\.svg)\)", text)
