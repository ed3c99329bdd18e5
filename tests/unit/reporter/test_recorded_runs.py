"""Comparisons over real runs of one configuration: 60 jobs each, four of each of five seeds."""

import random
from collections.abc import Sequence
from typing import Any

import pytest

from reporter.study.comparison import Row, Word, judged, row
from reporter.study.measures import MEASURES, PRIMARY, Measure, Sample
from tests.unit.reporter import recorded

TRIES = 200
Takes = Sequence[Sequence[dict[str, Any]]]
"""Of each seed, the two runs that are compared."""


@pytest.fixture(scope="module")
def takes() -> dict[int, list[dict[str, Any]]]:
    found: dict[int, list[dict[str, Any]]] = {}
    for run in recorded.read():
        found.setdefault(run["seed"], []).append(run)
    assert {len(runs) for runs in found.values()} == {4}
    assert len(found) == 5
    return found


def compared(takes: Takes, slower: str = "", by: float = 0.0) -> dict[str, Row]:
    """With `slower`, that stage of B takes longer by that share, and the response with it."""

    def longer(run: dict[str, Any], measure: Measure) -> Sample:
        found = recorded.samples(run, measure)
        if found.jobs is None or not slower or not measure.name.startswith((slower, "response", "overhead")):
            return found
        return Sample(jobs={key: value + by * run["figures"][slower][key] for key, value in found.jobs.items()})

    rows = [
        row(
            measure,
            [recorded.samples(a, measure) for a, _ in takes],
            [longer(b, measure) for _, b in takes],
            paired=True,
        )
        for measure in MEASURES
    ]
    return {one.measure.name: one for one in judged(rows, PRIMARY)}


def drawn(takes: dict[int, list[dict[str, Any]]], rng: random.Random) -> Takes:
    return [rng.sample(runs, 2) for runs in takes.values()]


def test_the_same_is_no_different_in_19_of_20_tries(takes: dict[int, list[dict[str, Any]]]) -> None:
    rng = random.Random(1)
    tries = [compared(drawn(takes, rng)) for _ in range(TRIES)]
    by_primary = sum(found[PRIMARY].word is not Word.NO_DIFFERENCE for found in tries)
    by_others = sum(
        any(one.word in {Word.BETTER, Word.WORSE} for name, one in found.items() if name != PRIMARY) for found in tries
    )
    print(f"different by the primary figure {by_primary}, by any other {by_others} of {TRIES}")  # noqa: T201
    assert by_primary <= TRIES / 20
    assert by_others <= TRIES / 20


@pytest.mark.parametrize("stage", ["script", "scenes"])
def test_a_tenth_more_in_one_stage_is_found(takes: dict[int, list[dict[str, Any]]], stage: str) -> None:
    """There, and in the response time. Of a stage that takes 15 ms of CPU a tenth is lost in what runs differ by."""
    rng = random.Random(2)
    tries = [compared(drawn(takes, rng), stage, by=0.1) for _ in range(TRIES)]
    found = sum(one[stage].word is Word.WORSE for one in tries)
    whole = sum(one[PRIMARY].word is Word.WORSE for one in tries)
    print(f"+10 % in {stage}: found there {found}, in the response time {whole} of {TRIES}")  # noqa: T201
    assert found == TRIES
    assert whole > TRIES / 2
