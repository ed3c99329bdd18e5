import re
from pathlib import Path

import pytest

from reporter.pooling import Contrast, contrasts
from reporter.pricing import EXAMPLE, load_prices
from reporter.runs import Run
from reporter.sections.resources.pooling import pooling as section
from reporter.spending_recommendations import spending
from tests.unit.reporter.folders import Folder
from tests.unit.reporter.spent import pooling


def found(tmp_path: Path, folder: Folder) -> dict[str, Contrast]:
    return {one.name: one for one in contrasts(Run.load(folder.write(tmp_path)))}


def test_a_planted_difference_is_found_within_its_interval_and_excludes_none(tmp_path: Path) -> None:
    response = found(tmp_path, pooling(extra=4.0))["response"]
    assert response.extra
    assert response.extra.low < 4.0 < response.extra.high
    assert response.extra.low > 3
    assert response.extra.clear
    assert response.extra.n == 4
    assert (response.unpooled or 0) - (response.pooled or 0) == pytest.approx(response.extra.value)


def test_no_difference_is_not_made_one_by_noise(tmp_path: Path) -> None:
    """Of 20 runs without any, an interval of 95 % excludes 0 in one or so."""
    clear = 0
    for seed in range(20):
        response = found(tmp_path / str(seed), pooling(extra=0.0, noise=5.0, seed=seed))["response"]
        assert response.extra
        clear += response.extra.clear
    assert clear <= 3


def test_a_block_that_met_a_slow_moment_makes_no_difference_clear(tmp_path: Path) -> None:
    """Its 20 jobs are slow together: as samples of their own they would make one."""
    run = pooling(extra=0.0)
    for job in run.rungs["block-0"].jobs:
        job["response_seconds"] += 0.020
    response = found(tmp_path, run)["response"]
    assert response.extra
    assert not response.extra.clear


def test_connections_are_compared_block_by_block(tmp_path: Path) -> None:
    opened = found(tmp_path, pooling())["opened"]
    assert opened.pooled == pytest.approx(0.3)
    assert opened.unpooled == 11
    assert opened.extra
    assert opened.extra.n == 4
    assert opened.extra.value == pytest.approx(10.7)


def test_jobs_that_did_not_complete_in_both_blocks_are_no_pair(tmp_path: Path) -> None:
    run = pooling()
    run.rungs["block-0"].jobs[-1]["outcome"] = "failed"
    for job in run.rungs["block-0"].jobs[:-1] + run.rungs["block-1"].jobs[:-1]:
        job["response_seconds"] = 1.0
    run.rungs["block-0"].jobs[-1]["response_seconds"] = run.rungs["block-1"].jobs[-1]["response_seconds"] = 60.0
    response = found(tmp_path, run)["response"]
    assert response.pooled is not None
    assert response.pooled < 2000


def test_the_section_has_a_row_per_figure_with_its_interval(tmp_path: Path) -> None:
    run = Run.load(pooling().write(tmp_path))
    table = section({"pooling": run})[-1]
    assert "response time, mean" in table
    assert re.search(r"^\| response time, mean .* 4 \|$", table, re.MULTILINE)
    (advice,) = [one for one in spending({"pooling": run}, load_prices(EXAMPLE)) if one.startswith("Keep connections")]
    assert "connections opened per job 10.7 more" in advice


def test_without_the_scenario_or_its_blocks_there_is_no_figure(tmp_path: Path) -> None:
    assert section({}) == ["Scenario `pooling`: not run."]
    run = pooling()
    for block in run.rungs.values():
        block.info["workload"] = block.info["workload"] | {"pooling": True}
    assert "no data" in section({"pooling": Run.load(run.write(tmp_path / "same"))})[0]
    run = pooling()
    run.result["verdict"] = "invalid"
    assert "INVALID" in section({"pooling": Run.load(run.write(tmp_path / "invalid"))})[0]
