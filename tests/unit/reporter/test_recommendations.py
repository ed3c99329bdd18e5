"""Each rule against a run that meets it, and none against one that does not."""

from pathlib import Path
from typing import Any

import pytest

from reporter.newest import newest_by_scenario
from reporter.performance import ladders_of
from reporter.recommendations import recommendations
from reporter.runs import Run
from reporter.sections.scalability import fit_of
from reporter.statistics import jobs_needed
from tests.unit.reporter.folders import Folder, single
from tests.unit.reporter.ladder import ladder


def advice(tmp_path: Path, *folders: Folder) -> tuple[list[str], list[str]]:
    runs = [Run.load(folder.write(tmp_path / str(number))) for number, folder in enumerate(folders)]
    chosen = newest_by_scenario(runs)
    ladders = ladders_of(chosen)
    return recommendations(chosen, ladders, fit_of(ladders.get("concurrent", ())))


def quiet(users: tuple[int, ...] = (1, 5, 10)) -> Folder:
    """A ladder that is too short for a fit, on a machine that nobody else uses."""
    run = ladder(users=users)
    for rung in run.rungs.values():
        rung.info["machine_busy"] = 0.1
    return run


def judged(**changes: Any) -> Folder:
    run = single()
    run.result["targets"] = [
        {"name": "api_p95", "value": 0.1, "op": "<", "limit": 0.5, "unit": "s", "pass": True, "n": 60} | changes
    ]
    return run


def test_a_run_without_a_problem_gets_no_advice(tmp_path: Path) -> None:
    assert advice(tmp_path, single(), quiet()) == ([], [])


def test_cpu_that_is_used_up(tmp_path: Path) -> None:
    """At the lowest load where it is, with the parts that cost most."""
    run = quiet()
    for name in ("users-5", "users-10"):
        run.rungs[name].info |= {"machine_busy": 0.97, "machine": {"cores": 1}}
    found, _ = advice(tmp_path, run)
    cpu = [sentence for sentence in found if sentence.startswith("CPU limits")]
    assert cpu == [
        (
            "CPU limits `concurrent` from 5 users on (machine 97.0 % busy, 0.59 of 1 cores by our processes). A job "
            "costs the service 60.0 ms of CPU, of which assemble 18.0 ms, parse 16.0 ms, workers 15.0 ms: add cores, "
            "or make assemble cheaper first."
        )
    ]


def test_slots_that_are_used_up(tmp_path: Path) -> None:
    run = quiet(users=(10,))
    for job in run.rungs["users-10"].jobs:
        job["accepted"] -= 0.2
    run.rungs["users-10"].info["workload"] |= {"workers": 1, "slots": 8}
    assert "8 slots are used up in `concurrent` at 10 users" in advice(tmp_path, run)[0][0]


def test_a_machine_that_others_use(tmp_path: Path) -> None:
    run = quiet()
    run.rungs["users-5"].info["machine_busy"] = 0.85
    assert (
        "% of the machine were used by other processes than ours in `concurrent` at 5 users"
        in (advice(tmp_path, run)[0][0])
    )


def test_a_knee(tmp_path: Path) -> None:
    """The ladder follows its law to the letter; nothing was measured beyond its knee at 49.5 users but 50."""
    run = quiet(users=(1, 5, 10, 20, 50))
    assert "The fitted throughput is highest at 49 users (95 % interval 49 to 49)" in advice(tmp_path, run)[0][0]


def test_a_long_part_of_the_overhead(tmp_path: Path) -> None:
    run = single()
    for job in run.jobs:
        job["held"] += 0.03
        job["response_seconds"] += 0.03
    assert advice(tmp_path, run)[0] == [
        (
            "The part “notify: ended to client” of the overhead has a median of 32.0 ms in `single` with the "
            "service to itself, over 10.0 ms: look there first for a shorter response time."
        )
    ]


@pytest.mark.parametrize(("value", "count"), [(0.24, 0), (0.37, 1)])
def test_an_api_near_its_limit(tmp_path: Path, value: float, count: int) -> None:
    found, _ = advice(tmp_path, judged(value=value))
    assert sum("74 % of its limit of 500.0 ms" in sentence for sentence in found) == count


def test_a_missed_target(tmp_path: Path) -> None:
    found, _ = advice(tmp_path, judged(**{"value": 0.7, "pass": False}))
    assert found == ["`api_p95` is 0.7 s in `single` and misses its target of < 0.5 s."]


def test_a_sample_that_is_too_small(tmp_path: Path) -> None:
    rate = {"name": "success_rate", "value": 1.0, "op": ">=", "limit": 0.95, "unit": "ratio", "pass": True, "n": 60}
    found, _ = advice(tmp_path, judged(**rate))
    assert found == [
        (
            "The success rate of `single` is 100.0 % of 60 jobs, interval 94.0 % to 100.0 %, which holds the target of "
            "95.0 %: 72 jobs would settle it at the same share."
        )
    ]
    assert "rests on n = 20, where 59 are needed" in advice(tmp_path, judged(n=20))[0][0]


def test_an_invalid_run_gives_no_advice(tmp_path: Path) -> None:
    run = judged(**{"value": 0.7, "pass": False})
    run.result |= {"verdict": "invalid", "reasons": ["books do not balance"]}
    steps = ladder()
    steps.result |= {"verdict": "invalid", "reasons": ["users-1: books do not balance"]}
    assert advice(tmp_path, run, steps) == ([], ["single", "concurrent"])


@pytest.mark.parametrize(
    ("share", "limit", "expected"), [(1.0, 0.95, 72), (0.97, 0.95, 415), (0.9, 0.95, 96), (0.0, 0.95, 2)]
)
def test_how_many_jobs_settle_a_rate(share: float, limit: float, expected: int) -> None:
    assert jobs_needed(share, limit) == expected


def test_a_rate_at_its_limit_is_never_settled() -> None:
    assert jobs_needed(0.95, 0.95, most=500) is None
