import random

import pytest
from scipy.stats import binom

from contract.calls import CallKey, Provider
from contract.provider_faults import FaultKind
from mocks.decision import decide
from mocks.latency import uniform
from tests.unit.mocks.faults import fault, keys, plan

START = 1000.0
HALF = fault(Provider.TTS, FaultKind.ERROR, rate=0.5)


@pytest.mark.parametrize("rate", [0.01, 0.3, 0.9])
@pytest.mark.parametrize("persistent", [False, True])
def test_the_share_of_calls_met_is_the_fault_s_rate(rate: float, persistent: bool) -> None:  # noqa: FBT001
    ordered = plan(fault(Provider.TTS, FaultKind.ERROR, rate=rate, persistent=persistent))
    met = sum(decide(ordered, Provider.TTS, key, START) is not None for key in keys(2000))
    low, high = binom.interval(0.999, 2000, rate)
    assert low <= met <= high


def test_the_decision_is_the_same_at_any_order() -> None:
    def decisions(calls: list[CallKey]) -> dict[CallKey, int | None]:
        return {key: decide(ordered, Provider.TTS, key, START) for key in calls}

    ordered = plan(HALF)
    calls = list(keys(500))
    shuffled = random.Random(1).sample(calls, len(calls))
    assert shuffled != calls
    assert decisions(calls) == decisions(shuffled)
    assert set(decisions(calls).values()) == {0, None}


def test_an_attempt_and_an_execution_are_drawn_again_unless_the_fault_is_persistent() -> None:
    persistent = HALF.model_copy(update={"persistent": True})
    fates = {
        each: [
            frozenset(
                decide(plan(each), Provider.TTS, CallKey("job", scene, execution, attempt), START)
                for execution in (1, 2)
                for attempt in (1, 2, 3, 4)
            )
            for scene in range(1, 40)
        ]
        for each in (HALF, persistent)
    }
    assert {0, None} in fates[HALF]
    assert set(fates[persistent]) == {frozenset({0}), frozenset({None})}


def test_faults_draw_apart_from_each_other_and_from_the_latency() -> None:
    twice = plan(HALF, HALF)
    numbers = [decide(twice, Provider.TTS, key, START) for key in keys(1000)]
    low, high = binom.interval(0.999, 1000, 0.25)
    assert low <= numbers.count(1) <= high, "half of those that the first spared"
    slow = sum(
        uniform(Provider.TTS, key.encode()) < 0.5 for key in keys(1000) if decide(plan(HALF), Provider.TTS, key, 0)
    )
    assert slow < 400, "the quick calls are not the ones that are met"


def test_the_first_fault_that_fits_wins_and_only_its_own_provider_meets_it() -> None:
    ordered = plan(
        fault(Provider.LLM, FaultKind.HANG),
        fault(Provider.TTS, FaultKind.LATENCY),
        fault(Provider.TTS, FaultKind.OUTAGE),
    )
    key = CallKey("job", 1, 1, 1)
    found = {provider: decide(ordered, provider, key, START) for provider in Provider}
    assert found == {Provider.LLM: 0, Provider.TTS: 1, Provider.VISUAL: None}


def test_a_fault_meets_calls_from_its_begin_to_just_before_its_end() -> None:
    ordered = plan(fault(Provider.TTS, FaultKind.ERROR, at=10, duration=5), start=START)
    open_ended = plan(fault(Provider.TTS, FaultKind.ERROR, at=10), start=START)
    key = CallKey("job", 1, 1, 1)
    found = {after: decide(ordered, Provider.TTS, key, START + after) for after in (0, 9.999, 10, 14.999, 15, 20)}
    assert found == {0: None, 9.999: None, 10: 0, 14.999: 0, 15: None, 20: None}
    assert decide(open_ended, Provider.TTS, key, START + 9.999) is None
    assert decide(open_ended, Provider.TTS, key, START + 1e6) == 0


def test_a_fault_that_names_scenes_meets_no_other() -> None:
    ordered = plan(fault(Provider.TTS, FaultKind.ERROR, scenes=(2, 4)))
    met = [scene for scene in range(6) if decide(ordered, Provider.TTS, CallKey("job", scene, 1, 1), START) == 0]
    assert met == [2, 4]
