"""Growth with the jobs, and memory per job in flight."""

import math
import random
from pathlib import Path

import pytest

from reporter.indicators import indicators
from reporter.memory import Footprint, growth, growths, marginal, together
from reporter.runs import Run
from tests.unit.reporter.resources import MB, READINGS, resources, steady


def run_of(folder: Path, **changes: object) -> Run:
    return Run.load(resources(**changes).write(folder))  # type: ignore[arg-type] # the caller's


def test_a_process_that_gives_everything_back_does_not_leak(tmp_path: Path) -> None:
    leak = indicators(run_of(tmp_path))["leak"]
    assert leak.value is not None
    assert leak.value < 0.01
    assert leak.n == READINGS


def test_a_megabyte_kept_of_each_job_is_a_leak_of_the_worker_that_keeps_it(tmp_path: Path) -> None:
    run = run_of(tmp_path, worker=steady(growth=MB))
    leak = indicators(run)["leak"]
    assert leak.value == pytest.approx(20 / 60, rel=0.05)
    assert leak.note is not None
    assert leak.note.startswith("worker-1: +1,000")
    worst, *others = growths(run)
    assert worst.process == "worker-1"
    assert worst.low < worst.slope < worst.high
    assert {one.process for one in others} == {"service-1", "exporter", "worker-1, its children"}, "no rig"
    assert all(one.worst < 0.01 for one in others)


def test_a_leak_of_what_a_worker_started_is_told_of_them(tmp_path: Path) -> None:
    folder = resources()
    children = next(s for s in folder.answers["series.memory"] if s["labels"]["part"] == "children")
    children["points"] = [(when, size + 0.8 * MB * n) for n, (when, size) in enumerate(children["points"])]
    worst = growths(Run.load(folder.write(tmp_path)))[0]
    assert worst.process == "worker-1, its children"
    assert worst.slope == pytest.approx(0.8 * MB, rel=0.05)


@pytest.mark.parametrize("jobs", [[0] * READINGS, [min(n, 4) for n in range(READINGS)]], ids=["none", "four"])
def test_without_jobs_enough_nothing_is_said(tmp_path: Path, jobs: list[int]) -> None:
    assert indicators(run_of(tmp_path, jobs=jobs))["leak"].value is None


def test_the_noise_of_a_job_under_way_is_no_growth() -> None:
    """Several readings after the same number of jobs: a spike in one of them does not count."""
    points = [(jobs, 50 * MB + extra) for jobs in range(10) for extra in (0.0, 5 * MB * (jobs > 5))]
    found = growth("worker-1", points)
    assert found is not None
    assert (found.slope, found.low, found.high) == (0, 0, 0)


def test_readings_that_are_alike_widen_the_interval() -> None:
    """A walk at random, in which each reading follows the last, says less of a slope than as many apart."""
    rng = random.Random(5)
    apart = [(n, 50 * MB + rng.gauss(0, 1e5)) for n in range(40)]
    walk, size = [], 50 * MB
    for n in range(40):
        size += rng.gauss(0, 1e5)
        walk.append((n, size))
    independent, alike = growth("a", apart), growth("b", walk)
    assert independent
    assert alike
    assert alike.high - alike.low > 2 * (independent.high - independent.low)


@pytest.mark.parametrize(("alike", "least"), [(0.0, 188), (0.5, 178), (0.8, 160)])
def test_the_interval_holds_the_true_slope_about_as_often_as_it_says(alike: float, least: int) -> None:
    """Of 200 made-up processes with 14 readings, of which each resembles the one before: AR(1)."""
    rng = random.Random(11)
    held = 0
    for _ in range(200):
        noise, points = rng.gauss(0, 2e5), []
        for n in range(14):
            points.append((n, 50 * MB + 3e4 * n + noise))
            noise = alike * noise + math.sqrt(1 - alike**2) * rng.gauss(0, 2e5)
        found = growth("x", points)
        assert found
        held += found.low <= 3e4 <= found.high
    assert least <= held <= 200


def test_hours_of_readings_are_thinned_and_tell_the_same_slope() -> None:
    """Slopes between all pairs of 30,000 would take gigabytes."""
    rng = random.Random(3)
    found = growth("x", [(n, 50 * MB + 100 * n + abs(rng.gauss(0, 1e5))) for n in range(30_000)])
    assert found
    assert found.n <= 401
    assert found.slope == pytest.approx(100, rel=0.05)


def test_a_job_more_in_flight_costs_the_slope_over_loads() -> None:
    prints = [Footprint(300 * MB, (310 + 2 * flight) * MB, flight) for flight in (1, 5, 20)]
    found = marginal(prints)
    assert found
    assert found.per_job == pytest.approx(2 * MB)
    assert (found.fewest, found.most) == (1, 20)
    assert marginal(prints[:2]) is None


def test_memory_per_job_is_the_growth_over_rest_by_the_jobs_in_flight(tmp_path: Path) -> None:
    found = indicators(run_of(tmp_path, worker=lambda jobs: 16 * MB if jobs == 9 else 0.0, users=10))["memory_per_job"]
    noise = 3 * 20e3 * ((9 * 7) % 5)
    assert found.value == pytest.approx((4 * MB + 16 * MB + noise) / 10)
    assert found.note is not None
    assert "216.0 MB at rest, 10 in flight" in found.note


def test_of_an_open_loop_as_many_are_in_flight_as_at_the_highest_reading(tmp_path: Path) -> None:
    folder = resources()
    folder.info |= {"concurrency": None, "rate": 5.0}
    note = indicators(Run.load(folder.write(tmp_path)))["memory_per_job"].note
    assert note is not None
    assert note.endswith("7 in flight")


def test_a_process_unknown_at_rest_leaves_memory_per_job_unknown(tmp_path: Path) -> None:
    folder = resources()
    folder.answers["memory.idle"].pop(0)
    assert indicators(Run.load(folder.write(tmp_path)))["memory_per_job"].value is None


def test_a_sum_begins_when_each_has_been_read() -> None:
    assert together({"a": [(0, 1.0), (2, 2.0)], "b": [(1, 10.0)]}) == [(1, 11.0), (2, 12.0)]


@pytest.mark.parametrize("query", ["series.memory", "series.executions"])
def test_without_readings_there_is_no_verdict(tmp_path: Path, query: str) -> None:
    folder = resources()
    del folder.answers[query]
    assert indicators(Run.load(folder.write(tmp_path)))["leak"].value is None
