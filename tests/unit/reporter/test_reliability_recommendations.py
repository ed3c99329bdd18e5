"""Each rule against a run that meets it, and none against one that does not."""

from pathlib import Path
from typing import Any

import pytest

from reporter.newest import in_order
from reporter.reliability import SCENARIOS
from reporter.reliability_recommendations import recommendations
from reporter.runs import Run
from tests.unit.reporter.folders import START, Folder
from tests.unit.reporter.spoilt import (
    OUTAGE,
    attempts,
    cancellation,
    changed,
    data_integrity,
    llm_outage,
    partial_failures,
    redis_restart,
    spoilt,
)


def advice(tmp_path: Path, *folders: Folder) -> tuple[list[str], list[str]]:
    runs = [Run.load(folder.write(tmp_path / str(number))) for number, folder in enumerate(folders)]
    return recommendations(in_order(runs, SCENARIOS))


def recovering(attempts_of_first: tuple[str, ...] = ("status", "ok"), **fault: Any) -> Folder:
    """Two speech calls of each of ten jobs fail, and all recover unless the first does otherwise."""
    run = spoilt("tts-failures", ["completed"] * 10, [{"provider": "tts", "kind": "error", "rate": 0.3} | fault])
    for number, record in enumerate(run.jobs):
        attempts(record, "tts", 1, ("status", "ok") if number else attempts_of_first)
        attempts(record, "tts", 2, ("status", "ok"))
    return run


def test_a_run_without_a_problem_gets_no_advice(tmp_path: Path) -> None:
    assert advice(tmp_path, recovering(), redis_restart(), cancellation()) == ([], [])


def test_calls_that_did_not_recover(tmp_path: Path) -> None:
    """23 of 72 attempts failed: 31.9 %, of which the fourth power is 1.04 % and the seventh less than 0.1 %."""
    (found,) = advice(tmp_path, recovering(("status",) * 4))[0]
    assert found == (
        "1 of 20 TTS calls that failed in `tts-failures` did not recover; most attempts failed by `status` (23). "
        "31.9 % of all attempts failed, so 4 attempts should leave 1.04 % of the calls without an answer; 7 would make "
        "it less than 0.1 %."
    )


@pytest.mark.parametrize("fault", [{"persistent": True}, {"rate": 1.0}])
def test_more_attempts_are_no_advice_where_all_of_them_fail(tmp_path: Path, fault: dict[str, Any]) -> None:
    (found,) = advice(tmp_path, recovering(("status",) * 4, **fault))[0]
    assert "More attempts do not help" in found


def test_retries_that_are_a_load_of_their_own(tmp_path: Path) -> None:
    run = spoilt("tts-failures", ["completed"], [{"provider": "tts", "kind": "error", "rate": 0.6}])
    for scene in range(1, 6):
        attempts(run.jobs[0], "tts", scene, ("status", "status", "ok"))
    (found,) = advice(tmp_path, run)[0]
    assert found.startswith(
        "3.00 calls were made for each one wanted in `tts-failures` (15 tts calls made for 5 wanted)"
    )


def slow(**states: list[float]) -> Folder:
    """An outage from 5 s to 9 s whose calls all recovered, and a breaker of the test's own."""
    run = spoilt("llm-outage", ["completed"] * 40, [OUTAGE])
    changed(run, "worker-1", **states)
    return run


@pytest.mark.parametrize(
    ("opened", "closed", "words"),
    [
        (5.8, 11.0, []),
        (10.5, 11.0, ["opened 5.500 s after the start of llm outage in `llm-outage`, and 0 of the jobs that were due"]),
        (5.8, 14.5, ["closed 5.500 s after the end of llm outage in `llm-outage`: probe more often than every 1 s"]),
    ],
)
def test_a_breaker_that_takes_long(tmp_path: Path, opened: float, closed: float, words: list[str]) -> None:
    found, _ = advice(tmp_path, slow(open=[opened], closed=[closed]))
    assert len(found) == len(words)
    assert all(word in sentence for word, sentence in zip(words, found, strict=True))


def test_jobs_that_failed_before_the_breaker_opened(tmp_path: Path) -> None:
    """Of those due from 5.0 s to its opening at 5.8 s, which are two; one that was due later does not count."""
    run = slow(open=[5.8], closed=[11.0])
    for job in run.jobs[8:11]:
        job["outcome"] = "failed"
    (found,) = advice(tmp_path, run)[0]
    assert found == (
        "The breaker opened 0.800 s after the start of llm outage in `llm-outage`, and 2 of the jobs that were due "
        "until then failed: lower its volume (20 calls) or its ratio (0.7), or spread the attempts of a call over a "
        "longer time."
    )


def test_an_outage_that_no_breaker_saw(tmp_path: Path) -> None:
    found, _ = advice(tmp_path, slow())
    assert found == [
        (
            "No breaker opened in `llm-outage` although llm outage met 0 calls: lower its volume (20 calls) to what "
            "comes within its window (10 s)."
        )
    ]


def test_a_run_that_did_not_recover(tmp_path: Path) -> None:
    run = redis_restart()
    for job in run.jobs[12:]:
        job["outcome"] = "failed"
    (found,) = advice(tmp_path, run)[0]
    assert found.startswith("`redis-restart` shows no recovery: no 5 successes in a row among the 17 jobs")


def test_a_load_that_ended_too_soon_says_nothing_of_recovery(tmp_path: Path) -> None:
    """The last kill is over when four jobs are still to come."""
    run = redis_restart()
    run.process_faults[-1] |= {"start": START + 13.2, "end": START + 13.7}
    for job in run.jobs[-4:]:
        job["outcome"] = "failed"
    assert advice(tmp_path, run) == ([], [])


def test_lost_jobs_and_unsound_assets(tmp_path: Path) -> None:
    run = data_integrity()
    run.result["counts"]["lost"] = 2
    lost, unsound = advice(tmp_path, run)[0]
    assert lost.startswith("2 jobs of `data-integrity` were acknowledged and are lost")
    assert unsound == (
        "3 of 240 assets and 1 of 20 videos of `data-integrity` are not as they must be; the first: "
        "video_07/scene-1.aac is missing."
    )


def test_what_cancelled_jobs_still_do(tmp_path: Path) -> None:
    run = cancellation()
    run.jobs[1]["cancel"] |= {"late_calls": 3, "leftovers": 4}
    late, left = advice(tmp_path, run)[0]
    assert late.startswith("3 provider calls began after 5 jobs of `cancellation` had been cancelled")
    assert left.startswith("4 files were left after 5 jobs of `cancellation` had been cancelled")


def test_a_missed_target(tmp_path: Path) -> None:
    run = redis_restart()
    target = {"name": "delivered_rate", "value": 0.5, "op": ">=", "limit": 0.9, "unit": "ratio", "pass": False}
    run.result["targets"] = [target | {"n": 30}]
    assert advice(tmp_path, run)[0] == [
        "`delivered_rate` is 50.0 % in `redis-restart` and misses its target of >= 90.0 %."
    ]


def test_an_invalid_run_gives_no_advice(tmp_path: Path) -> None:
    runs = [llm_outage(), partial_failures()]
    for run in runs:
        run.result |= {"verdict": "invalid", "reasons": ["books do not balance"]}
    assert advice(tmp_path, *runs) == ([], ["llm-outage", "partial-failures"])
