"""CPU as a share of what there is, and what it costs to read it."""

from pathlib import Path

import pytest

from reporter.cost import cost
from reporter.cpu import lags, spent
from reporter.indicators import indicators
from reporter.runs import Run
from tests.unit.reporter.folders import Folder, single
from tests.unit.reporter.resources import resources


def loaded(folder: Path, run: Folder) -> Run:
    return Run.load(run.write(folder))


def test_utilisation_is_the_service_s_time_by_the_cores_it_may_use(tmp_path: Path) -> None:
    """Four of the service of 2 s each, in 20 s on two cores; the mocks are not of it."""
    found = indicators(loaded(tmp_path, resources()))["cpu_utilisation"]
    assert found.value == pytest.approx(8 / 40)
    assert found.note == "of 2 cores; 25.0 % with the mocked providers and the load generator"


def test_a_quota_makes_the_same_time_a_larger_share(tmp_path: Path) -> None:
    run = resources()
    for sample in run.answers["process.cores"]:
        sample["value"] = 0.5
    assert indicators(loaded(tmp_path, run))["cpu_utilisation"].value == pytest.approx(8 / 10)


def test_time_in_the_kernel_counts(tmp_path: Path) -> None:
    run = resources()
    run.answers["cpu.modes"] = [s for s in run.answers["cpu.modes"] if s["labels"]["mode"] == "user"]
    assert indicators(loaded(tmp_path, run))["cpu_utilisation"].value == pytest.approx(6 / 40)


@pytest.mark.parametrize("query", ["cpu.modes", "process.cores"])
def test_what_was_not_measured_is_no_data(tmp_path: Path, query: str) -> None:
    run = resources()
    del run.answers[query]
    assert indicators(loaded(tmp_path, run))["cpu_utilisation"].value is None


def test_the_cost_of_the_collector_is_that_of_the_process_that_needs_most(tmp_path: Path) -> None:
    run = resources()
    run.answers["cpu.collecting"][1]["value"] = 0.36
    found = indicators(loaded(tmp_path, run))["collecting_cost"]
    assert found.value == pytest.approx(0.012)
    assert found.note == "worker-1, the most of 4"


def test_the_service_comes_first(tmp_path: Path) -> None:
    names = [one.process for one in spent(loaded(tmp_path, resources()))]
    assert names == ["exporter", "service-1", "worker-1", "worker-1, its children", "mocks"]


def test_a_loop_that_nobody_looked_at_has_no_lag(tmp_path: Path) -> None:
    run = resources()
    run.count("loop.n", 0, job="loadgen")
    assert list(lags(loaded(tmp_path, run))) == ["worker"]


def test_what_reading_the_figures_takes_is_no_part_of_the_cost_of_a_job(tmp_path: Path) -> None:
    before, run = cost(loaded(tmp_path / "before", single(n=60))), single(n=60)
    for job in ("worker", "mocks"):
        run.count("cpu.collecting", 0.3, job=job, instance=f"{job}-1")
    after = cost(loaded(tmp_path / "after", run))
    assert before
    assert after
    assert before.parts["worker"] - after.parts["worker"] == pytest.approx(0.3 / 60)
    assert after.parts["measuring"] == pytest.approx(0.3 / 60), "the mocks are of the rig anyway"
    assert after.whole == pytest.approx(before.whole)
