"""Where the time of jobs went, from records made by hand whose every part is known."""

import math
import random
from pathlib import Path
from typing import Any

import pytest

from contract.jobs import Stage
from contract.runfolder import JobRecord
from reporter.attribution import TITLES, Attribution, Occupancy, attribution, attributions
from reporter.runs import Run
from reporter.sections.attribution import attribution_by_run, attribution_of
from tests.unit.reporter.folders import START, Folder, job, single
from tests.unit.reporter.spoilt import normal, whole_suite
from tests.unit.reporter.test_performance import row


def call(provider: str, scene: int, attempt: int, result: str | None, start: float, seconds: float) -> dict[str, Any]:
    return {
        "provider": provider,
        "scene": scene,
        "attempt": attempt,
        "result": result,
        "start": START + start,
        "seconds": seconds,
        "planned": None,
        "bytes_sent": 1,
        "bytes_received": 1,
    }


def wait(provider: str, scene: int, cause: str, start: float, seconds: float) -> dict[str, Any]:
    return {"provider": provider, "scene": scene, "cause": cause, "start": START + start, "seconds": seconds}


def lookup(provider: str, scene: int, result: str, seconds: float) -> dict[str, Any]:
    return {"provider": provider, "scene": scene, "request": "a", "result": result, "seconds": seconds}


def troubled() -> dict[str, Any]:
    """Due at 0, claimed at 1, held at 10: its script takes from 2 to 4, its scenes from 4.2 to 8.

    Picture 2 straggles: a lookup, two failed attempts with a backoff after each, a wait at the breaker, and one good
    attempt. Narration 1 takes longer for its good attempt, and ends earlier.
    """
    stages = [
        ("parse", 1.1, 0.9),
        ("script", 2.0, 2.0),
        ("scenes", 4.2, 3.8),
        ("assemble", 8.0, 1.0),
        ("publish", 9, 0.5),
    ]
    return job(0, random.Random(1)) | {
        "due": START,
        "accepted": START + 0.4,
        "started": START + 1.0,
        "finished": START + 9.6,
        "response_seconds": 10.0,
        "timings": {
            "stages": [{"stage": s, "start": START + start, "seconds": took} for s, start, took in stages],
            "calls": [
                call("llm", 0, 1, "ok", 2.1, 1.8),
                call("visual", 2, 1, "status", 4.4, 0.5),
                call("tts", 1, 1, "ok", 4.3, 3.0),
                call("visual", 2, 2, "timeout", 5.1, 0.7),
                call("visual", 2, 3, "ok", 7.0, 0.9),
            ],
            "waits": [
                wait("visual", 2, "backoff", 4.9, 0.2),
                wait("visual", 2, "retry_after", 5.8, 0.3),
                wait("visual", 2, "breaker", 6.15, 0.8),
            ],
            "lookups": [lookup("visual", 2, "miss", 0.2), lookup("llm", 0, "miss", 0.05)],
        },
    }


TROUBLED = {
    "submit": 0.4, "queue": 0.6, "slot": 0.0, "earlier": 0.0, "parse": 0.9, "llm": 1.8, "scene": 0.9,
    "retry": 0.5 + 0.7 + 0.2 + 0.3, "breaker": 0.8, "cache": 0.25, "gaps": 0.05 + 0.05, "script": 0.15, "scenes": 0.1,
    "assemble": 1.0, "publish": 0.5, "between": 0.4, "notify": 0.4,
}  # fmt: skip


def attributed(content: dict[str, Any], occupancy: Occupancy | None = None) -> Attribution:
    found = attribution(JobRecord.model_validate(content), occupancy)
    assert found is not None
    return found


def test_a_job_with_two_retries_and_a_breaker_wait_has_the_right_parts() -> None:
    found = attributed(troubled())
    assert found.parts == pytest.approx(TROUBLED, abs=1e-5)  # Unix times are floats
    assert list(found.parts) == list(TITLES)
    assert not found.contradictory


@pytest.mark.parametrize("folder", [single(), normal(), *whole_suite()], ids=lambda folder: folder.info["id"])
def test_the_parts_of_each_job_sum_to_its_response_time(tmp_path: Path, folder: Folder) -> None:
    """So do those of each interval within it: a part that were counted twice would have to be taken from another."""
    run = Run.load(folder.write(tmp_path))
    found = attributions(run)
    assert len(found) == len(run.responses)
    for one in found:
        parts = one.parts
        assert math.fsum(parts.values()) == pytest.approx(one.response, abs=1e-9)
        stages = {t.stage: t.seconds for t in one.record.timings.stages} if one.record.timings else {}
        before = math.fsum(parts[name] for name in ("submit", "queue", "slot", "earlier"))
        assert before == pytest.approx(one.when.started - one.when.due, abs=1e-9)
        inside = math.fsum(parts[n] for n in ("llm", "scene", "retry", "breaker", "cache", "gaps", "script", "scenes"))
        assert inside == pytest.approx(stages[Stage.SCRIPT] + stages[Stage.SCENES], abs=1e-9)


@pytest.mark.parametrize(("number", "part", "seconds"), [(0, "retry", 0.2), (1, "retry", 0.3), (2, "breaker", 0.8)])
def test_a_wait_that_the_record_leaves_out_shows_as_a_gap(number: int, part: str, seconds: float) -> None:
    content = troubled()
    del content["timings"]["waits"][number]
    found = attributed(content).parts
    assert found["gaps"] == pytest.approx(TROUBLED["gaps"] + seconds, abs=1e-5)
    assert found[part] == pytest.approx(TROUBLED[part] - seconds, abs=1e-5)
    assert found["scenes"] == pytest.approx(TROUBLED["scenes"], abs=1e-5)


@pytest.mark.parametrize(("what", "number"), [("calls", 0), ("calls", 1), ("waits", 2), ("lookups", 0)])
def test_what_is_recorded_twice_is_a_contradiction(what: str, number: int) -> None:
    content = troubled()
    told = content["timings"][what]
    told.append(told[number])
    assert attributed(content).contradictory


def test_a_stage_that_is_longer_than_its_job_is_a_contradiction() -> None:
    content = troubled()
    content["timings"]["stages"][3]["seconds"] += 0.5
    assert attributed(content).contradictory


def test_a_cache_hit_stands_in_the_place_of_its_call() -> None:
    content = troubled()
    timings = content["timings"]
    timings["calls"] = timings["waits"] = []
    timings["lookups"] = [
        lookup("llm", 0, "hit", 1.9),
        lookup("tts", 1, "coalesced", 3.7),
        lookup("visual", 1, "hit", 1),
    ]
    parts = attributed(content).parts
    assert parts["cache"] == pytest.approx(1.9 + 3.7)
    assert (parts["llm"], parts["scene"], parts["gaps"]) == (0, 0, 0)


def test_a_scene_that_could_not_be_had_has_no_good_attempt() -> None:
    content = troubled() | {"outcome": "partial"}
    content["timings"]["calls"][-1]["result"] = "status"
    parts = attributed(content).parts
    assert parts["scene"] == 0
    assert parts["retry"] == pytest.approx(TROUBLED["retry"] + TROUBLED["scene"], abs=1e-5)


def test_earlier_executions_are_a_part_of_their_own() -> None:
    content = troubled()
    past = {"worker": "w", "started_at": START + 0.5, "ended_at": START + 0.8, "cause": "crashes"}
    content["history"] = [past]
    parts = attributed(content).parts
    assert parts["queue"] == pytest.approx(0.1, abs=1e-5)
    assert parts["earlier"] == pytest.approx(0.5, abs=1e-5)


@pytest.mark.parametrize("outcome", ["failed", "cancelled", None])
def test_only_jobs_that_were_done_are_attributed(outcome: str | None) -> None:
    assert attribution(JobRecord.model_validate(troubled() | {"outcome": outcome}), None) is None


@pytest.mark.parametrize("missing", ["accepted", "started", "finished", "response_seconds", "timings"])
def test_a_missing_moment_is_not_taken_for_0(missing: str) -> None:
    assert attribution(JobRecord.model_validate(troubled() | {missing: None}), None) is None


def test_slot_wait_and_queue_sum_to_the_time_until_the_claim() -> None:
    holder = JobRecord.model_validate(job(1, random.Random(1)) | {"started": START, "finished": START + 0.7})
    parts = attributed(troubled(), Occupancy([holder], 1)).parts
    waits = {"slot": 0.3, "queue": 0.3}
    assert parts == pytest.approx(TROUBLED | waits, abs=1e-5), "nothing is taken from another part"


def at(accepted: float, started: float | None, finished: float | None, **changes: Any) -> JobRecord:
    moments = {"accepted": accepted, "started": started, "finished": finished}
    return JobRecord.model_validate(job(0, random.Random(1)) | moments | changes)


def test_waiting_for_a_slot_on_two_slots_with_four_jobs() -> None:
    """1 and 2 run from 0; 3 waits from 1 until 2 ends at 4, and is picked up at 4.5; 4 waits until 1 ends at 6."""
    jobs = [at(0, 0, 6), at(0, 0, 4), at(1, 4.5, 9), at(2, 6, 8)]
    occupancy = Occupancy(jobs, 2)
    assert occupancy.full(1, 4.5) == [(1, 4)]
    assert occupancy.full(2, 6) == [(2, 4), (4.5, 6)]
    assert occupancy.full(0, 20) == [(0, 4), (4.5, 8)], "at 6 the slot went from one job to the other"
    assert Occupancy(jobs, 3).full(0, 20) == []


def test_jobs_that_never_ended_and_executions_that_were_lost_hold_their_slots() -> None:
    past = {"worker": "w", "started_at": 1, "ended_at": 3, "cause": "crashes"}
    occupancy = Occupancy([at(0, 5, None), at(0, 4, 6, history=[past])], 1)
    assert occupancy.full(0, 10) == [(1, 3), (4, 10)]


def test_the_table_tells_slot_waits_from_the_queue(tmp_path: Path) -> None:
    run = single(n=60, warmup=0)
    run.info["workload"] |= {"workers": 1, "slots": 1}
    holder = job(99, random.Random(1)) | {"phase": "warmup", "started": START, "finished": START + 100}
    run.jobs.append(holder)
    text = "\n".join(attribution_of(Run.load(run.write(tmp_path)), None))
    assert row(text, "slot: all slots busy")[1:] == ["2.0 ms", "0.3 %", "2.0 ms", "2.0 ms", "2.0 ms"]
    assert row(text, "**response time**")[2] == "100.0 %"
    assert "60 of 60 measured jobs" in text
    assert "No job spent time on" in text
    assert "contradict" not in text


def test_of_a_foreign_target_slots_are_unknown(tmp_path: Path) -> None:
    run = single(n=3)
    run.info |= {"foreign": True, "workload": {}}
    text = "\n".join(attribution_of(Run.load(run.write(tmp_path)), None))
    assert "How many slots the target has is unknown" in text
    assert row(text, "queue: to be picked up, slots free")[1] == "2.0 ms"
    assert "all slots busy |" not in text


def test_a_table_from_records_that_contradict_themselves_says_so(tmp_path: Path) -> None:
    run = single(n=3)
    calls = run.jobs[-1]["timings"]["calls"]
    calls.append(calls[0] | {"attempt": 2})
    assert "**The records of 1 jobs contradict" in "\n".join(attribution_of(Run.load(run.write(tmp_path)), None))


def test_a_run_without_done_jobs_has_no_data(tmp_path: Path) -> None:
    assert attribution_of(Run.load(single(n=0).write(tmp_path)), None)[-1].startswith("No data")


def test_the_reliability_report_has_a_table_per_run_with_faults(tmp_path: Path) -> None:
    runs = [Run.load(folder.write(tmp_path / str(number))) for number, folder in enumerate(whole_suite())]
    text = "\n".join(attribution_by_run({run.info.scenario: run for run in runs}, {}))
    assert "### tts-failures: what jobs waited for" in text
    assert "### normal" not in text
    assert attribution_by_run({}, {}) == ["Runs with faults: not run."]
