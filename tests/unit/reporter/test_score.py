"""The reliability score: a mean that an unknown input leaves unknown."""

from pathlib import Path

import pytest

from reporter.newest import in_order
from reporter.reliability import SCENARIOS
from reporter.runs import Run
from reporter.score import TERMS, inputs, score
from tests.unit.reporter.folders import Folder
from tests.unit.reporter.spoilt import (
    data_integrity,
    llm_outage,
    normal,
    partial_failures,
    redis_restart,
    tts_failures,
)


def suite() -> dict[str, Folder]:
    return {
        "normal": normal(),
        "tts-failures": tts_failures(),
        "llm-outage": llm_outage(),
        "partial-failures": partial_failures(),
        "data-integrity": data_integrity(),
        "redis-restart": redis_restart(),
    }


def of(tmp_path: Path, runs: dict[str, Folder]) -> float | None:
    return score(inputs(in_order([Run.load(run.write(tmp_path / name)) for name, run in runs.items()], SCENARIOS)))


def test_it_is_the_weighted_mean_of_its_shares(tmp_path: Path) -> None:
    expected = (3 * 59 / 60 + 2 * 0.9 + 3 * 0.95 + 1 * 0.9 + 1 * 22 / 24) / 10
    assert of(tmp_path, suite()) == pytest.approx(expected)


@pytest.mark.parametrize("scenario", [term.scenario for term in TERMS])
def test_a_scenario_that_was_not_run_leaves_it_unknown(tmp_path: Path, scenario: str) -> None:
    runs = suite()
    del runs[scenario]
    assert of(tmp_path, runs) is None


@pytest.mark.parametrize("scenario", [term.scenario for term in TERMS])
def test_an_invalid_run_leaves_it_unknown(tmp_path: Path, scenario: str) -> None:
    runs = suite()
    runs[scenario].result["verdict"] = "invalid"
    assert of(tmp_path, runs) is None


def test_a_share_of_0_is_known(tmp_path: Path) -> None:
    """Nothing recovered: two tenths of the score are missing, and the score is there."""
    runs = suite()
    for job in runs["tts-failures"].jobs[:10]:
        job["outcome"] = "failed"
    expected = (3 * 59 / 60 + 3 * 0.95 + 0.9 + 22 / 24) / 10
    assert of(tmp_path, runs) == pytest.approx(expected)


def test_a_scenario_in_which_no_call_failed_says_nothing_of_recovery(tmp_path: Path) -> None:
    """Which is neither a recovery of 0 nor one of 1."""
    runs = suite()
    for job in runs["tts-failures"].jobs:
        for call in job["timings"]["calls"]:
            call["result"] = "ok"
    assert of(tmp_path, runs) is None
