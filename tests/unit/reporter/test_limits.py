"""The figures of a rung, and the rule that says what limits it."""

from dataclasses import replace
from pathlib import Path

import pytest

from reporter.cost import Cost
from reporter.limits import Kind, limit
from reporter.rungs import Overhead, Rung, rung
from reporter.runs import Run
from tests.unit.reporter.folders import single
from tests.unit.reporter.ladder import ladder, throughput


@pytest.fixture(scope="module")
def five(tmp_path_factory: pytest.TempPathFactory) -> Rung:
    """Five users, as the hand-made ladder has them."""
    folder = ladder(users=(5,)).write(tmp_path_factory.mktemp("run"))
    return rung(Run.load(folder).rungs[0])


def overhead(critical: float, response: float) -> Overhead:
    return Overhead(response - critical, critical, response, "assemble, beyond its CPU", 0.1)


def test_the_figures_of_a_rung(five: Rung) -> None:
    """60 ms of CPU per job in the service and 20 ms beside it, at the throughput that was planned."""
    assert five.cost is not None
    assert five.overhead is not None
    assert five.response is not None
    assert five.throughput == pytest.approx(throughput(5))
    assert [five.cost.service, five.cost.rig] == pytest.approx([0.060, 0.020])
    assert five.cost.largest()[0][0] == "assemble"
    assert five.cores_used == pytest.approx(0.080 * throughput(5))
    assert five.used_by_others == pytest.approx(0.5 - 0.020 * throughput(5))
    assert five.in_flight == pytest.approx(throughput(5) * five.response.mean)
    assert (five.slots, five.cores) == (64, 4)
    assert five.queue_wait == pytest.approx(0.002, abs=1e-6)
    assert five.overhead.overhead == pytest.approx(0.017, abs=1e-6)
    assert five.overhead.part in {"submit: due to accepted", "scenes, beyond the slowest plan"}  # 3 ms each


def test_each_limit_by_its_rule(five: Rung) -> None:
    """In the order of the rules; each case differs from the one before it in what decides."""
    assert limit(five).kind is Kind.CRITICAL_PATH
    assert limit(replace(five, busy=0.90)).kind is Kind.CPU
    slow = replace(five, overhead=overhead(0.5, 1.0))
    assert str(limit(slow)) == "overhead: assemble, beyond its CPU 100.0 ms"
    waiting = replace(slow, queue_wait=0.1)
    assert str(limit(waiting)) == "pick-up: median wait 100.0 ms"
    full = replace(waiting, throughput=64 / five.run.responses[0])
    assert limit(full).kind is Kind.SLOTS
    assert limit(replace(full, busy=0.95)).kind is Kind.CPU


def test_what_is_unknown_is_no_limit(five: Rung) -> None:
    assert str(limit(replace(five, overhead=None))) == "no data"
    assert limit(replace(five, busy=None)).kind is Kind.CRITICAL_PATH
    assert replace(five, cost=None).cores_used is None
    assert replace(five, busy=None).used_by_others is None


@pytest.mark.parametrize("missing", ["cpu.processes", "cpu.stages"])
def test_a_cost_without_its_parts_is_unknown(tmp_path: Path, missing: str) -> None:
    run = single()
    del run.answers[missing]
    assert rung(Run.load(run.write(tmp_path))).cost is None


def test_a_part_that_nobody_knows_counts_in_the_whole_only() -> None:
    found = Cost({"service": 0.01, "worker": 0.02, "novelty": 0.03})
    assert [found.service, found.rig, found.whole] == pytest.approx([0.03, 0, 0.06])
