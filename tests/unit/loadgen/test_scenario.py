import re
from pathlib import Path

import pytest

from contract.errors import UsageError
from loadgen.indicator import Indicator
from loadgen.repeats import Repeats
from loadgen.scenario import LOAD, ClosedLoop, OpenLoop, Scenario, Warmup, load, names, read

GOOD = """
title = "Small"
description = "As small as it gets."
[load]
model = "closed"
users = 2
jobs = 3
[[targets]]
indicator = "response_p95"
op = "<"
limit = 2.0
"""


def written(folder: Path, content: str, name: str = "small.toml") -> Path:
    path = folder / name
    path.write_text(content)
    return path


@pytest.mark.parametrize("name", names())
def test_each_shipped_scenario_loads_under_its_name(name: str) -> None:
    assert load(name).name == name


def test_single_is_one_user_with_72_jobs_and_the_four_floors() -> None:
    single = load("single")
    assert single.loads == (ClosedLoop(model="closed", users=1, jobs=72),)
    assert {(t.indicator, t.op, t.limit) for t in single.targets} == {
        (Indicator.RESPONSE_P95, "<", 2.0),
        (Indicator.SUCCESS_RATE, ">=", 0.95),
        (Indicator.API_P95, "<", 0.5),
        (Indicator.INTEGRITY, ">=", 0.90),
    }


def test_a_file_of_the_user_s_own_is_named_after_itself_and_warms_up_by_default(tmp_path: Path) -> None:
    scenario = load(str(written(tmp_path, GOOD)))
    assert scenario.name == "small"
    assert scenario.steps()[0].warmup == ClosedLoop(model="closed", users=4, jobs=8)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (("users = 2", "users = 2\nrate = 3"), "load.rate: there is no such key"),
        (("users = 2", "users = -1"), "load.users: Input should be greater than 0"),
        (("users = 2", "users = 0"), "load.users: Input should be greater than 0"),
        (("users = 2", "users = 2\nramp = -1"), "load.ramp: Input should be greater than or equal to 0"),
        (("users = 2", "users = 4"), "load: 4 users need at least 4 jobs, not 3"),
        (('"closed"', '"open"'), "load: Input tag 'open' found using 'model' does not match"),
        (('"response_p95"', '"speed"'), "targets.0.indicator: Input should be 'response_p95'"),
        (('"<"', '"=<"'), "targets.0.op: Input should be '<', '>=' or '>'"),
        (("limit = 2.0", "limit = inf"), "targets.0.limit: Input should be a finite number"),
        (("limit = 2.0", ""), "targets.0.limit: Field required"),
        (("[load]", "[loda]"), "loda: there is no such key"),
        (('title = "Small"', 'name = "../escape"\ntitle = "Small"'), "name: String should match pattern"),
        (("[load]", "[warmup]\nusers = 0\n[load]"), "warmup.users: Input should be greater than 0"),
    ],
)
def test_a_file_that_does_not_fit_is_one_sentence_with_file_and_key(
    tmp_path: Path, change: tuple[str, str], complaint: str
) -> None:
    assert change[0] in GOOD
    path = written(tmp_path, GOOD.replace(*change))
    with pytest.raises(UsageError) as caught:
        read(path)
    assert str(caught.value).startswith(f"The scenario file {path} does not fit: {complaint}")
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)


def test_a_file_that_cannot_be_read_at_all_says_why(tmp_path: Path) -> None:
    missing = tmp_path / "none.toml"
    with pytest.raises(UsageError, match=f"{re.escape(str(missing))} cannot be read: No such file"):
        load(str(missing))
    with pytest.raises(UsageError, match=r"is not TOML: .*line 1"):
        read(written(tmp_path, "title = \n"))
    binary = tmp_path / "binary.toml"
    binary.write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="cannot be read: 'utf-8' codec"):
        read(binary)


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match=r"There is no scenario 'sinlge'; there are: .*\bsingle\b"):
        load("sinlge")


def test_another_number_of_jobs_keeps_the_rest_and_must_fit_too(tmp_path: Path) -> None:
    scenario: Scenario = read(written(tmp_path, GOOD))
    assert scenario.with_jobs(None) is scenario
    more = scenario.with_jobs(7)
    assert (more.loads, more.targets) == ((ClosedLoop(model="closed", users=2, jobs=7),), scenario.targets)
    with pytest.raises(
        UsageError, match=r"^JOBS=1 does not fit the scenario small: 2 users need at least 2 jobs, not 1\.$"
    ):
        scenario.with_jobs(1)


@pytest.mark.parametrize(
    ("load", "given", "users", "jobs"),
    [
        ({"model": "closed", "users": 50, "jobs": 500}, {}, 50, 100),
        ({"model": "closed", "users": 1, "jobs": 72}, {}, 4, 8),
        ({"model": "poisson", "rate": 5, "jobs": 9}, {}, 8, 16),
        ({"model": "requests", "users": 10, "requests": 3, "endpoints": ["GET /healthz"]}, {}, 10, 20),
        ({"model": "idle", "seconds": 5}, {}, 4, 8),
        ({"model": "closed", "users": 50, "jobs": 500}, {"users": 4}, 4, 8),
        ({"model": "closed", "users": 50, "jobs": 500}, {"jobs": 5}, 5, 5),
        ({"model": "closed", "users": 50, "jobs": 500}, {"users": 2, "jobs": 9}, 2, 9),
    ],
)
def test_a_step_is_warmed_by_its_own_users_or_a_few_unless_others_are_given(
    load: dict[str, object], given: dict[str, int], users: int, jobs: int
) -> None:
    warmed = Warmup.model_validate(given).before(LOAD.validate_python(load))
    assert (warmed.users, warmed.jobs) == (users, jobs)


def test_minutes_say_for_how_long_jobs_arrive(tmp_path: Path) -> None:
    soak = load("soak")
    assert soak.with_minutes(None) is soak
    assert [one.jobs for one in soak.with_minutes(10).loads] == [3000]
    with pytest.raises(UsageError, match=r"^How long the scenario small takes is not for MINUTES to set\.$"):
        read(written(tmp_path, GOOD)).with_minutes(1)


def test_rest_has_no_jobs_and_takes_none() -> None:
    idle = load("idle")
    assert (idle.size, [step.size for step in idle.steps()]) == ("10 s", [0])
    with pytest.raises(UsageError, match=r"^The number of jobs of the scenario idle is not for JOBS to set\.$"):
        idle.with_jobs(3)


def test_users_join_one_after_the_other_within_the_ramp() -> None:
    four = ClosedLoop(model="closed", users=4, jobs=4)
    assert [four.joins(user) for user in range(4)] == [0.0, 0.25, 0.5, 0.75]
    assert [ClosedLoop(model="closed", users=4, jobs=4, ramp=0).joins(user) for user in range(4)] == [0.0] * 4
    assert ClosedLoop(model="closed", users=1, jobs=4).joins(0) == 0.0


LADDER = """
title = "Two steps"
description = "A ladder."
[[rungs]]
model = "closed"
users = 2
jobs = 4
[[rungs]]
model = "poisson"
rate = 2.5
jobs = 5
[[targets]]
indicator = "success_rate"
op = ">="
limit = 0.95
[[targets]]
indicator = "throughput"
op = ">"
limit = 10
rung = "rate-2.5"
"""


def test_each_rung_is_a_step_with_the_targets_that_judge_it(tmp_path: Path) -> None:
    scenario = read(written(tmp_path, LADDER))
    assert scenario.size == "9 jobs"
    assert [(step.load.rung, [spec.indicator for spec in step.targets]) for step in scenario.steps()] == [
        ("users-2", [Indicator.SUCCESS_RATE]),
        ("rate-2.5", [Indicator.SUCCESS_RATE, Indicator.THROUGHPUT]),
    ]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (('rung = "rate-2.5"', 'rung = "users-9"'), "targets name the rung users-9; there are rate-2.5, users-2"),
        (('model = "poisson"\nrate = 2.5', 'model = "closed"\nusers = 2'), "two rungs have the same name"),
        (("[[rungs]]", '[load]\nmodel = "closed"\nusers = 1\njobs = 1\n[[rungs]]', 1), "either one [load] or several"),
        (("rate = 2.5", "rate = -1"), "rungs.1.rate: Input should be greater than 0"),
    ],
)
def test_rungs_that_do_not_fit_are_refused(tmp_path: Path, change: tuple[str, str], sentence: str) -> None:
    with pytest.raises(UsageError) as caught:
        read(written(tmp_path, LADDER.replace(*change)))
    assert sentence in str(caught.value)


def test_a_rung_may_give_its_workers_settings_of_their_own(tmp_path: Path) -> None:
    content = LADDER.replace("rate = 2.5", "rate = 2.5\nworkload = { pooling = false }")
    scenario = read(written(tmp_path, content))
    as_they_are, others = (step.settings for step in scenario.steps())
    assert as_they_are is None
    assert others is not None
    assert (scenario.settings().pooling, others.pooling) == (True, False)
    assert scenario.wants_own_stack
    assert not read(written(tmp_path, LADDER)).wants_own_stack


def test_settings_of_a_rung_that_are_none_are_refused(tmp_path: Path) -> None:
    scenario = read(written(tmp_path, LADDER.replace("rate = 2.5", 'rate = 2.5\nworkload = { pooling = "perhaps" }')))
    with pytest.raises(UsageError, match="The workload of the scenario small does not fit: pooling: "):
        _ = scenario.steps()[1].settings


def test_pooling_takes_turns_so_that_a_drift_meets_both_alike() -> None:
    """As many blocks of each kind in each half, and their places sum to the same."""
    kept = [bool(one.workload["pooling"]) for one in load("pooling").loads]
    assert len(kept) == 8
    places = {kind: sum(place for place, one in enumerate(kept) if one is kind) for kind in (True, False)}
    assert places[True] == places[False]
    assert len({(one.jobs, getattr(one, "users", None)) for one in load("pooling").loads}) == 1


def test_burst_is_a_thousand_jobs_in_a_second_by_several_generators() -> None:
    burst = load("burst")
    (arrivals,) = [one.arrivals(1) for one in burst.loads if isinstance(one, OpenLoop)]
    assert (len(arrivals), arrivals[0], arrivals[-1]) == (1000, 0.0, 0.999)
    assert burst.generators == 4


def test_cache_asks_for_each_input_twice_and_judges_the_floor_of_its_hit_rate() -> None:
    cache = load("cache")
    assert cache.cache == Repeats(repeats=2)
    assert (Indicator.CACHE_HIT_RATE, ">=", 0.4) in {(t.indicator, t.op, t.limit) for t in cache.targets}
    assert (cache.keeps_calls, cache.spoils_calls, cache.is_about_faults) == (True, False, False)


@pytest.mark.parametrize("more", ['[[faults]]\ntarget = "worker"\nkind = "kill"\nat = 1.0\n', "restarts = true\n"])
def test_inputs_are_not_repeated_where_processes_die(tmp_path: Path, more: str) -> None:
    content = f"{GOOD}\n[cache]\nrepeats = 2\n"
    assert read(written(tmp_path, content)).cache
    spoilt = f"{content}{more}" if more.startswith("[") else f"{more}{content}"
    with pytest.raises(UsageError, match=r"a \[cache\] goes with one \[load\] of jobs and without faults"):
        read(written(tmp_path, spoilt))
