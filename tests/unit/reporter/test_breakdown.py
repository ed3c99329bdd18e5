import random
from typing import Any

import pytest

from contract.runfolder import JobRecord
from reporter.breakdown import breakdown, breakdowns, median_breakdown
from tests.unit.reporter.folders import job


def record(**changes: Any) -> dict[str, Any]:
    return job(0, random.Random(1)) | changes


def parsed(content: dict[str, Any]) -> JobRecord:
    return JobRecord.model_validate(content)


def test_the_parts_sum_to_the_overhead_and_all_to_the_response() -> None:
    found = breakdown(parsed(record()))
    assert found is not None
    assert sum(found.overhead.values()) == pytest.approx(found.overhead_seconds, abs=1e-12)
    assert found.critical_seconds + found.overhead_seconds == pytest.approx(found.response, abs=1e-12)
    milliseconds = {name: round(1000 * value, 3) for name, value in found.overhead.items()}
    assert milliseconds == {
        "submit": 3,
        "queue": 2,
        "parse": 2,
        "script": 2,
        "scenes": 3,
        "assemble": 1,
        "publish": 1,
        "between": 1,
        "notify": 2,
    }


def test_a_clock_that_disagrees_goes_to_notify() -> None:
    """Redis's clock 40 ms ahead: submit grows, notify shrinks, the sum stays the response time's."""
    content = record()
    for name in ("accepted", "started", "finished"):
        content[name] += 0.040
    found = breakdown(parsed(content))
    assert found is not None
    assert found.overhead["submit"] == pytest.approx(0.043, abs=1e-6)
    assert found.overhead["notify"] == pytest.approx(-0.038, abs=1e-6)
    assert sum(found.overhead.values()) == pytest.approx(0.017, abs=1e-6)


def test_the_slowest_plan_of_all_scenes_is_critical() -> None:
    content = record()
    for call in content["timings"]["calls"]:
        call["planned"] = {"llm": 0.3, "tts": 0.1, "visual": 0.2}[call["provider"]]
    content["timings"]["calls"][3]["planned"] = 0.25
    found = breakdown(parsed(content))
    assert found is not None
    assert (found.critical["llm"], found.critical["scenes"]) == (0.3, 0.25)


def test_a_failed_attempt_is_overhead() -> None:
    """Only the last attempt's plan is on the critical path."""
    content = record()
    first = dict(content["timings"]["calls"][0])
    content["timings"]["calls"][0]["attempt"] = 2
    content["timings"]["calls"].insert(0, first | {"planned": 5.0})
    found = breakdown(parsed(content))
    assert found is not None
    assert found.critical["llm"] == first["planned"]


@pytest.mark.parametrize("outcome", ["partial", "failed", "cancelled", None])
def test_only_a_completed_job_has_a_breakdown(outcome: str | None) -> None:
    assert breakdown(parsed(record(outcome=outcome))) is None


def test_a_real_provider_plans_nothing() -> None:
    content = record()
    content["timings"]["calls"][-1]["planned"] = None
    assert breakdown(parsed(content)) is None


@pytest.mark.parametrize("missing", ["accepted", "started", "finished", "response_seconds", "timings"])
def test_a_missing_moment_is_not_taken_for_0(missing: str) -> None:
    assert breakdown(parsed(record(**{missing: None}))) is None


def test_an_unknown_cpu_time_is_not_taken_for_0() -> None:
    content = record()
    content["timings"]["stages"][0]["cpu"] = None
    assert breakdown(parsed(content)) is None


def test_the_median_job_is_a_job() -> None:
    rng = random.Random(1)
    found = breakdowns(parsed(job(index, rng)) for index in range(11))
    middle = median_breakdown(found)
    assert sum(other.response < middle.response for other in found) == 5
