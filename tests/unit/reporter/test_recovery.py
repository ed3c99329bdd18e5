"""Indicators of recovery against figures worked out by hand."""

from pathlib import Path

import pytest

from reporter.indicator import Indicator
from reporter.indicators import indicators
from reporter.runs import Run
from tests.unit.reporter.folders import START, Folder
from tests.unit.reporter.spoilt import (
    OUTAGE,
    attempts,
    cancellation,
    llm_outage,
    partial_failures,
    redis_restart,
    spoilt,
    tts_failures,
)


def of(tmp_path: Path, run: Folder, name: str) -> Indicator:
    """As a verdict needs it: before there is a result."""
    folder = run.write(tmp_path)
    (folder / "result.json").unlink()
    return indicators(Run.load(folder))[name]


def test_calls_that_failed_and_then_succeeded_have_recovered(tmp_path: Path) -> None:
    """Ten calls failed, whatever the number of their attempts; eight of them ended well."""
    found = of(tmp_path, tts_failures(), "call_recovery")
    assert (found.value, found.n) == (0.8, 10)
    assert found.note == "8 of 10 calls that failed at least once; exact 95 % interval 44.4–97.5 %"


def test_jobs_with_a_failed_call_have_recovered_when_they_were_delivered(tmp_path: Path) -> None:
    """Nine of ten: eight whole and the partial one; ten jobs of which no call failed do not count."""
    found = of(tmp_path, tts_failures(), "job_recovery")
    assert (found.value, found.n) == (0.9, 10)


def test_a_cancelled_attempt_is_no_failure_and_no_good_end(tmp_path: Path) -> None:
    run = spoilt("x", ["completed", "completed"])
    attempts(run.jobs[0], "tts", 1, ("cancelled",))
    attempts(run.jobs[1], "tts", 1, ("timeout", "cancelled"))
    found = of(tmp_path, run, "call_recovery")
    assert (found.value, found.n) == (0.0, 1)


def test_attempts_are_put_in_order_by_their_number(tmp_path: Path) -> None:
    run = spoilt("x", ["completed"])
    attempts(run.jobs[0], "tts", 1, ("timeout", "ok"))
    run.jobs[0]["timings"]["calls"].reverse()
    assert of(tmp_path, run, "call_recovery").value == 1.0


def test_without_a_failed_call_there_is_no_recovery(tmp_path: Path) -> None:
    run = spoilt("x", ["completed"] * 3)
    assert of(tmp_path / "calls", run, "call_recovery") == Indicator(None, 0)
    assert of(tmp_path / "jobs", run, "job_recovery") == Indicator(None, 0)


def test_an_attempt_of_unknown_result_is_no_failure(tmp_path: Path) -> None:
    run = spoilt("x", ["completed"])
    for call in run.jobs[0]["timings"]["calls"]:
        del call["result"]
    assert of(tmp_path, run, "call_recovery") == Indicator(None, 0)


def test_each_call_that_was_made_counts_against_those_that_were_wanted(tmp_path: Path) -> None:
    """20 jobs want 100 narrations; eight took two attempts, one three, one four. Other providers do not dilute it."""
    found = of(tmp_path, tts_failures(), "retry_amplification")
    assert found.value == pytest.approx(113 / 100)
    assert (found.n, found.note) == (100, "113 tts calls made for 100 wanted")


def test_jobs_without_records_of_calls_amplify_nothing(tmp_path: Path) -> None:
    run = spoilt("x", ["completed"])
    run.jobs[0]["timings"] = None
    assert of(tmp_path, run, "retry_amplification") == Indicator(None, 0)


def test_delivered_is_whole_or_in_part(tmp_path: Path) -> None:
    run = partial_failures()
    found = of(tmp_path / "rate", run, "delivered_rate")
    assert (found.value, found.n) == (0.9, 20)
    assert of(tmp_path / "partial", run, "partial_jobs") == Indicator(6.0, 20, "of 20 jobs")


def test_recovery_runs_from_the_end_of_the_fault_to_the_first_of_five_successes(tmp_path: Path) -> None:
    """The outage ends at 9 s; the jobs due at 9.0 and 9.5 fail, that of 10.0 and all after it succeed."""
    found = of(tmp_path, llm_outage(), "mttr")
    assert found == Indicator(1.0, 24, "after llm outage, resolution 0.50 s")


def test_four_successes_in_a_row_are_no_recovery(tmp_path: Path) -> None:
    """The fifth after 10.0 fails, so that the five begin one later."""
    run = llm_outage()
    run.jobs[22]["outcome"] = "failed"  # due at 12.0 s
    assert of(tmp_path / "late", run, "mttr").value == 3.5
    run = llm_outage()
    for job in run.jobs[20::5]:
        job["outcome"] = "partial"
    found = of(tmp_path / "never", run, "mttr")
    assert (found.value, found.n) == (None, 24)
    assert found.note == "no 5 successes in a row among the 24 jobs due after llm outage"


def test_a_job_due_at_the_very_end_of_the_fault_counts(tmp_path: Path) -> None:
    run = llm_outage()
    for job in run.jobs[16:18]:
        job["outcome"] = "completed"
    assert of(tmp_path, run, "mttr").value == 0.0


def test_the_order_of_the_records_does_not_matter(tmp_path: Path) -> None:
    """They are written as they end."""
    run = llm_outage()
    run.jobs.reverse()
    assert of(tmp_path, run, "mttr").value == 1.0


def test_of_several_faults_the_one_that_ended_last_counts(tmp_path: Path) -> None:
    """Redis was up again at 7.5 s, when a job was due that succeeded; a provider's fault until 12 s outlasts it."""
    assert of(tmp_path / "processes", redis_restart(), "mttr").value == 0.0
    run = redis_restart()
    run.info |= {"provider_faults": [OUTAGE | {"duration": 7.25}], "faults_start": START}
    assert of(tmp_path / "both", run, "mttr") == Indicator(0.25, 7, "after llm outage, resolution 0.50 s")


def test_a_fault_without_an_end_has_no_time_to_recovery(tmp_path: Path) -> None:
    """A provider's that lasts as long as the load, and a process that nobody saw come back."""
    assert of(tmp_path / "load", tts_failures(), "mttr") == Indicator(None, 0)
    assert of(tmp_path / "after", tts_failures(), "success_after") == Indicator(None, 0)
    run = redis_restart()
    run.process_faults[0]["end"] = None
    assert of(tmp_path / "down", run, "mttr") == Indicator(None, 0, "nobody saw the end of the fault redis kill")
    assert of(tmp_path / "down", run, "success_after") == Indicator(None, 0)


def test_success_after_repair_is_of_the_jobs_due_then(tmp_path: Path) -> None:
    """24 jobs are due at 9 s or later; the first two fail."""
    found = of(tmp_path, llm_outage(), "success_after")
    assert found.value == pytest.approx(22 / 24)
    assert found.n == 24


def test_a_fault_that_outlasts_the_load_leaves_nothing_to_judge(tmp_path: Path) -> None:
    run = llm_outage()
    run.info["provider_faults"] = [OUTAGE | {"duration": 600.0}]
    assert of(tmp_path / "after", run, "success_after") == Indicator(None, 0)
    assert of(tmp_path / "mttr", run, "mttr") == Indicator(
        None, 0, "only 0 jobs were due after llm outage, too few to tell"
    )


def test_the_longest_cancellation_and_what_it_left(tmp_path: Path) -> None:
    """Five jobs ended cancelled, 20 to 100 ms after they were asked to; the sixth had ended before."""
    run = cancellation()
    found = of(tmp_path / "longest", run, "cancel_max")
    assert found.value == pytest.approx(0.1)
    assert found.n == 5
    run.jobs[1]["cancel"] |= {"late_calls": 2, "leftovers": 1}
    run.jobs[3]["cancel"] |= {"late_calls": 1}
    late = of(tmp_path / "late", run, "cancelled_late_calls")
    assert late == Indicator(3.0, 5, "provider calls of 5 cancelled jobs")
    assert of(tmp_path / "left", run, "cancel_leftovers") == Indicator(1.0, 5, "files of 5 cancelled jobs")


@pytest.mark.parametrize(
    ("name", "missing"),
    [("cancelled_late_calls", "late_calls"), ("cancel_leftovers", "leftovers"), ("cancel_max", "held")],
)
def test_one_cancelled_job_that_tells_nothing_leaves_the_figure_unknown(
    tmp_path: Path, name: str, missing: str
) -> None:
    """Most of them being fine is no proof that all are."""
    run = cancellation()
    (run.jobs[1] if missing == "held" else run.jobs[1]["cancel"])[missing] = None
    assert of(tmp_path, run, name) == Indicator(None, 5, "unknown of 1 cancelled jobs")


def test_a_running_job_that_goes_on_after_its_cancellation_has_ignored_it(tmp_path: Path) -> None:
    run = cancellation()
    assert of(tmp_path / "none", run, "cancels_ignored") == Indicator(0.0, 6, "of 6 cancellations")
    job = run.jobs[1]
    job["cancel"]["status"] = "in_progress"
    for late, ignored in ((0.05, 0.0), (0.15, 1.0)):
        job |= {"outcome": "completed", "finished": job["cancel"]["acknowledged"] + late}
        assert of(tmp_path / f"{late}", run, "cancels_ignored").value == ignored


def test_a_job_that_ended_cancelled_without_a_record_of_it_is_unknown(tmp_path: Path) -> None:
    run = cancellation()
    run.jobs[1]["cancel"] = None
    assert of(tmp_path, run, "cancelled_late_calls").value is None
