"""What each optimisation gains, and whether theory says the same."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from contract.ablation import ABLATION, EVERYTHING, FAULTY, HEALTHY, without, worse
from contract.runset import Member, SetKind
from contract.settings import Workload
from reporter.study.ablation_report import effects, expectations, write_ablation
from reporter.study.measures import MEASURES
from tests.unit.reporter.folders import Folder
from tests.unit.reporter.sets import repeat, write_set

SEEDS = (1, 2, 3, 4)
SLOWER = {"cache": 0.9, "parallel": 2.0, "wake-up": 0.5, EVERYTHING: 3.0}
VARIANTS = {name: ("", *(one.name for one in parts), EVERYTHING) for name, parts in ABLATION.items()}


def variant(scenario: str, name: str, seed: int, take: int, slower: Mapping[str, float]) -> Folder:
    folder = repeat(seed, take, slower=slower.get(name, 0.0))
    settings = Workload(**without(scenario, name)).model_dump(mode="json")
    folder.info |= {"scenario": scenario, "workload": settings}
    if scenario == FAULTY and name:
        for job in folder.jobs[3::3]:
            job["outcome"] = "partial"
    return folder


def an_ablation(into: Path, slower: Mapping[str, float] = SLOWER, leave_out: str = "") -> Path:
    members: list[tuple[Member, Folder | None]] = []
    for scenario, names in VARIANTS.items():
        for place, name in enumerate(names):
            for seed in SEEDS:
                told = Member(run=f"{scenario}-{name}-{seed}", scenario=scenario, seed=seed, variant=name)
                if name and name == leave_out:
                    told.broken = "Redis did not start"
                    members.append((told, None))
                else:
                    members.append((told, variant(scenario, name, seed, place, slower)))
    return write_set(into / "set", SetKind.ABLATION, members, len(SEEDS))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return an_ablation(tmp_path_factory.mktemp("ablation"))


def test_what_theory_says_is_shown_where_it_is_so(whole: Path) -> None:
    said = {
        (one.effect.scenario, one.effect.variant, one.row.measure.name): one.says
        for one in expectations(effects(whole))
    }
    shown = {key for key, says in said.items() if says == "as theory says"}
    assert {(HEALTHY, name, "response_mean") for name in SLOWER} <= shown
    assert {(FAULTY, name, "success_rate") for name in ("retry", "breaker", EVERYTHING)} <= shown
    assert said[HEALTHY, "pooling", "response_mean"] == "not shown"


def test_an_effect_of_the_wrong_sign_is_said_to_be_against_theory(tmp_path: Path) -> None:
    folder = an_ablation(tmp_path, SLOWER | {"parallel": -0.5})
    against = [one for one in expectations(effects(folder)) if "against theory" in one.says]
    assert {(one.effect.variant, one.row.measure.name) for one in against} == {("parallel", "response_mean")}
    assert "**against theory: response time, mean without scenes in parallel**" in write_ablation(folder).read_text()


def test_each_variant_has_a_row_and_theory_one_for_each_of_its_figures(whole: Path) -> None:
    text = write_ablation(whole).read_text()
    for one in (one for parts in ABLATION.values() for one in parts):
        assert f"| {one.title} (`" in text
    assert text.count("| all of these (`") == 2
    assert len(expectations(effects(whole))) == sum(
        len(worse(name, one)) for name, names in VARIANTS.items() for one in names if one
    )
    assert "figures/ablation.svg" in text
    assert (whole / "figures" / "ablation.svg").is_file()
    assert "Every run that was begun is in the figures." in text


def test_a_variant_that_could_not_be_made_has_no_data_and_its_reason(tmp_path: Path) -> None:
    text = write_ablation(an_ablation(tmp_path, leave_out="pooling")).read_text()
    row = next(line for line in text.splitlines() if line.startswith("| connection pooling"))
    assert row.count("no data") == 5
    assert "; 2 were not measured" in text
    assert "Redis did not start" in text


def test_a_run_of_another_workload_is_not_compared(tmp_path: Path) -> None:
    folder = an_ablation(tmp_path)
    path = folder / "runs" / f"{HEALTHY}-pooling-1" / "run.json"
    path.write_text(path.read_text().replace('"slots":32', '"slots":31'))
    found = next(one for one in effects(folder) if one.variant == "pooling")
    assert found.comparison is None
    assert "workload, slots: 32 and 31" in found.why


def test_the_figures_that_theory_names_are_those_that_there_are() -> None:
    known = {measure.name for measure in MEASURES}
    for name, names in VARIANTS.items():
        assert set().union(*(worse(name, one) for one in names)) <= known


def test_without_everything_all_settings_of_a_scenario_are_off() -> None:
    assert without(FAULTY, EVERYTHING) == {"call_attempts": 1, "breaker": {"volume": 10**9}}
    assert without(HEALTHY, "cache") == {"cache": False}
    assert without(HEALTHY, "") == {}
    assert worse(FAULTY, EVERYTHING) == ("success_rate", "cost")
