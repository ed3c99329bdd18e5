"""A run along its load: which second a job, a breaker and a reading belong to."""

from pathlib import Path

import pytest

from contract.calls import BreakerState
from contract.jobs import Outcome, Status
from reporter.runs import Run
from reporter.timeline import Span, Timeline, timeline
from tests.unit.reporter.folders import START, Folder
from tests.unit.reporter.spoilt import llm_outage, normal, redis_restart, spoilt


def of(tmp_path: Path, run: Folder) -> Timeline:
    found = timeline(Run.load(run.write(tmp_path)))
    assert found is not None
    return found


def test_jobs_are_counted_where_they_were_due(tmp_path: Path) -> None:
    """A load of 21 s in bins of one second; two jobs are due in each from the second one on."""
    found = of(tmp_path, llm_outage())
    assert (found.length, len(found.bins)) == (21.0, 21)
    assert [one.jobs for one in found.bins] == [0, *[2] * 20]
    assert [one.success for one in found.bins[:7]] == [None, 1, 1, 1, 1, 0, 0]
    assert sum(one.outcomes[Outcome.FAILED] for one in found.bins) == 10


def test_a_job_whose_end_nobody_saw_is_no_success(tmp_path: Path) -> None:
    run = spoilt("x", ["completed"])
    run.jobs[0]["outcome"] = None
    assert [one.success for one in of(tmp_path, run).bins if one.jobs] == [0]


def test_a_job_due_beside_the_load_is_counted_all_the_same(tmp_path: Path) -> None:
    """Clocks and ends of phases differ by a little."""
    run = spoilt("x", ["completed"] * 3)
    run.jobs[0]["due"], run.jobs[2]["due"] = START - 0.01, START + 99
    found = of(tmp_path, run)
    assert sum(one.jobs for one in found.bins) == 3
    assert (found.bins[0].jobs, found.bins[-1].jobs) == (1, 1)


def test_faults_breakers_and_queue_share_the_clock_of_the_load(tmp_path: Path) -> None:
    found = of(tmp_path, llm_outage())
    assert list(found.faults) == [Span("llm outage", 5, 9)]
    assert [number for number, one in enumerate(found.bins) if found.faulty(one.start, one.end)] == [5, 6, 7, 8]
    assert found.breakers is not None
    state, span = found.breakers["llm, worker-1"][0]
    assert state is BreakerState.OPEN
    assert [span.start, span.end] == pytest.approx([5.8, 6.9])
    assert found.most_queued == pytest.approx((12, 6), abs=0.001)
    assert set(found.backlog) == {Status.QUEUED, Status.IN_PROGRESS}


def test_a_fault_that_took_no_time_is_still_seen() -> None:
    """It touches the second that it was in and no other."""
    kill = Span("worker kill", 3.0, 3.0)
    assert [kill.touches(second, second + 1) for second in (2.0, 3.0, 4.0)] == [False, True, False]


def test_a_process_that_did_not_come_back_is_missed_to_the_end(tmp_path: Path) -> None:
    run = redis_restart()
    run.process_faults[1]["end"] = None
    found = of(tmp_path, run)
    assert found.faults[1].end == found.length


def test_breakers_that_nobody_told_of_are_unknown_and_not_closed(tmp_path: Path) -> None:
    run = llm_outage()
    assert of(tmp_path / "told", run).breakers
    del run.answers["series.breaker_changed"]
    assert of(tmp_path / "untold", run).breakers is None


def test_a_clock_of_prometheus_that_is_ahead_is_put_right(tmp_path: Path) -> None:
    run = llm_outage()
    run.info["clock_skew"] = 0.5
    assert of(tmp_path, run).most_queued == pytest.approx((12, 5.5))


def test_a_run_without_jobs_has_no_course(tmp_path: Path) -> None:
    assert timeline(Run.load(spoilt("x", []).write(tmp_path))) is None


def test_without_phases_the_jobs_bound_the_load(tmp_path: Path) -> None:
    run = normal()
    run.info["phases"] = []
    held = max(job["held"] for job in run.jobs)
    assert of(tmp_path, run).length == pytest.approx(held - START - 1)
