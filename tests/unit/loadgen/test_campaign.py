"""Runs that are made in a row: their seeds, their order, and what becomes of one that cannot be made."""

from collections import Counter
from pathlib import Path

import pytest

import campaign
from campaign import Planned
from contract.ablation import ABLATION, CHANGED, EVERYTHING, FAULTY, HEALTHY
from contract.errors import EnvironmentFault, UsageError
from contract.runset import SET, SetInfo, SetKind
from loadgen.scenario import load


def test_seeds_follow_from_the_first_and_from_nothing_else() -> None:
    five, ten = campaign.derived_seeds(7, 5), campaign.derived_seeds(7, 10)
    assert five == ten[:5]
    assert five[0] == 7
    assert len({*ten, *campaign.derived_seeds(8, 10)}) == 20
    assert all(0 <= seed < 2**31 for seed in ten)


def test_every_variant_meets_every_seed_once() -> None:
    plan = campaign.ablation(1, 4)
    met = Counter((one.scenario.name, one.variant, one.seed) for one in plan)
    assert set(met.values()) == {1}
    assert len(met) == 4 * sum(len(parts) + 2 for parts in ABLATION.values())
    assert len({one.label for one in plan}) == len(plan)


def test_no_variant_has_the_same_place_in_the_order_of_all_seeds() -> None:
    """Else a machine that warms up would be taken for what was off."""
    plan = campaign.ablation(1, 4)
    size = len(plan) // 4
    places: dict[tuple[str, str], set[int]] = {}
    for number, one in enumerate(plan):
        places.setdefault((one.scenario.name, one.variant), set()).add(number % size)
    assert all(len(found) > 1 for found in places.values())
    means = [sum(found) / len(found) for found in places.values()]
    assert max(means) - min(means) < size / 2


def test_a_variant_has_its_settings_and_nothing_else_changes() -> None:
    plan = {(one.scenario.name, one.variant): one.scenario for one in campaign.ablation(1, 2)}
    on = plan[HEALTHY, ""].settings()
    off = plan[HEALTHY, "parallel"].settings()
    assert off == on.model_copy(update={"parallel_scenes": False})
    breaker = plan[FAULTY, "breaker"].settings().breaker
    assert (breaker.volume, breaker.ratio) == (10**9, on.breaker.ratio)
    assert plan[FAULTY, EVERYTHING].settings().call_attempts == 1
    assert plan[HEALTHY, "cache"].loads == plan[HEALTHY, ""].loads


def a_set(repeats: int) -> SetInfo:
    return SetInfo(id="s", kind=SetKind.REPEATS, name="single", title="t", seed=1, repeats=repeats, started=0.0)


async def test_a_run_that_cannot_be_made_is_noted_and_the_others_go_on(tmp_path: Path) -> None:
    async def make(planned: Planned, folder: Path) -> int:
        made.append(folder)
        if planned.label == "2":
            raise EnvironmentFault("the port 9090 is taken")
        return 1

    said: list[str] = []
    made: list[Path] = []
    info, plan = a_set(3), campaign.repeats(load("single"), 1, 3)
    assert await campaign.carry_out(info, plan, tmp_path, make, said.append) == 3
    assert [folder.name for folder in made] == [f"{tmp_path.name}.{n}" for n in (1, 2, 3)]
    told = SetInfo.model_validate_json((tmp_path / SET).read_bytes())
    assert [member.broken for member in told.members] == [None, "the port 9090 is taken", None]
    assert [member.seed for member in told.members] == campaign.derived_seeds(1, 3)
    assert said[0] == "run 1 of 3: single, seed 1"


async def test_a_mistake_of_the_user_ends_it_and_what_was_made_is_kept(tmp_path: Path) -> None:
    async def make(planned: Planned, _: Path) -> int:
        if planned.label == "2":
            raise UsageError("The document cannot be used.")
        return 0

    with pytest.raises(UsageError):
        await campaign.carry_out(a_set(3), campaign.repeats(load("single"), 1, 3), tmp_path, make, lambda _: None)
    assert len(SetInfo.model_validate_json((tmp_path / SET).read_bytes()).members) == 1


def test_an_ablation_of_one_seed_is_refused() -> None:
    with pytest.raises(UsageError, match="REPEAT=4"):
        campaign.ablation(1, 1)


def test_two_workloads_meet_each_seed_in_turns() -> None:
    plan = campaign.contrast(load("single"), 1, 4, "T2V_SLOTS=4 T2V_LLM_LATENCY__MEAN=0.33")
    assert [one.variant for one in plan] == ["", CHANGED, CHANGED, "", "", CHANGED, CHANGED, ""]
    assert [one.seed for one in plan] == [seed for seed in campaign.derived_seeds(1, 4) for _ in range(2)]
    assert [one.title for one in plan[:2]] == ["single, seed 1", "single with the other settings, seed 1"]
    was, now = plan[0].scenario.settings(), plan[1].scenario.settings()
    assert now.llm_latency.mean == 0.33
    assert now.llm_latency.sd == was.llm_latency.sd
    assert now.model_copy(update={"slots": was.slots, "llm_latency": was.llm_latency}) == was


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ("SLOTS=4", "no setting"),
        ("T2V_SLOTS", "no setting"),
        ("T2V_NOSUCH=4", "no setting"),
        ("T2V_SLOTS=32", "changes nothing"),
        ("T2V_SLOTS=many", "does not fit"),
        ("T2V_BREAKER__NOSUCH=1", "no setting"),
        ("T2V_SLOTS=4 T2V_LLM_LATENCY__MEEN=3", "no setting"),
        ("T2V_SLOTS__X=1", "no setting"),
        ("T2V_LLM_LATENCY=3", "no setting"),
        ("T2V_SLOTS='4", "cannot be read"),
    ],
)
def test_settings_that_are_none_are_refused(settings: str, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        campaign.contrast(load("single"), 1, 2, settings)


def test_settings_of_a_group_leave_the_others_as_the_scenario_has_them() -> None:
    scenario = load("single").model_copy(update={"workload": {"breaker": {"ratio": 0.9}}})
    changed = campaign.contrast(scenario, 1, 2, "T2V_BREAKER__VOLUME=7")[1].scenario.settings()
    assert (changed.breaker.volume, changed.breaker.ratio) == (7, 0.9)


def test_two_workloads_over_several_loads_are_refused() -> None:
    with pytest.raises(UsageError, match="concurrent has several"):
        campaign.contrast(load("concurrent"), 1, 2, "T2V_SLOTS=4")
