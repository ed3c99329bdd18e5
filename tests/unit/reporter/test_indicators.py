import math
from pathlib import Path
from typing import Any

import orjson
import pytest

from contract.catalogue import LATENCY_BUCKETS
from loadgen.indicator import Indicator as TargetIndicator
from reporter.indicator import Indicator
from reporter.indicators import indicators
from reporter.runs import Run
from reporter.sections.headline import TITLES
from reporter.summary import summary
from tests.unit.reporter.folders import START, Folder, single
from tests.unit.reporter.ladder import api


def found(tmp_path: Path, folder: Folder) -> dict[str, Indicator]:
    """As a verdict needs them: before there is a result."""
    path = folder.write(tmp_path)
    (path / "result.json").unlink()
    return indicators(Run.load(path))


def only(folder: Folder, **endpoints: list[float]) -> Folder:
    """With these plain requests and no others; `get` and `post` are the methods."""
    for name in [name for name in folder.answers if name.startswith("http.")]:
        del folder.answers[name]
    for method, values in endpoints.items():
        folder.observe("http", values, method=method.upper(), route="/v1/videos", kind="plain")
    return folder


def test_a_good_run(tmp_path: Path) -> None:
    """The exact P95 of the response time, the share of completed jobs, and the slowest endpoint's P95."""
    values = found(tmp_path, single())
    assert values["response_p95"].value == pytest.approx(0.7149, abs=1e-4)
    assert (values["success_rate"].value, values["success_rate"].n) == (1.0, 60)
    assert values["success_rate"].note == "exact 95 % interval 94.0–100.0 %"
    assert values["api_p95"].value == pytest.approx(0.0096, abs=5e-4)
    assert values["api_p95"].note == "the slowest: POST /v1/videos"


def test_a_partial_job_and_one_without_end_are_no_success(tmp_path: Path) -> None:
    run = single()
    measured = [job for job in run.jobs if job["phase"] == "measure"]
    measured[0]["outcome"] = "partial"
    measured[1] |= {"outcome": None, "response_seconds": None}
    values = found(tmp_path, run)
    assert values["success_rate"].value == pytest.approx(58 / 60)
    assert values["response_p95"].n == 59


def test_too_few_jobs_are_judged_by_their_maximum(tmp_path: Path) -> None:
    run = single(n=20)
    value = found(tmp_path, run)["response_p95"]
    slowest = max(job["response_seconds"] for job in run.jobs if job["phase"] == "measure")
    assert (value.value, value.n, value.note) == (slowest, 20, "the maximum: n is too small for P95")


def test_the_slowest_endpoint_is_judged_if_asked_often_enough(tmp_path: Path) -> None:
    """A few slow requests elsewhere have no P95; requests of Prometheus and those that wait do not count."""
    run = only(single(), get=[0.1] * 60, post=[0.02] * 600)
    run.observe("http", [0.9] * 5, method="GET", route="/readyz", kind="plain")
    run.observe("http", [0.9] * 100, method="GET", route="/metrics", kind="plain")
    run.observe("http", [9.0] * 100, method="GET", route="/v1/videos/{job_id}", kind="wait")
    value = found(tmp_path, run)["api_p95"]
    assert (value.n, value.note) == (60, "the slowest: GET /v1/videos")
    assert value.value == pytest.approx(0.1, rel=0.05)


def lengthen(job: dict[str, Any], seconds: float) -> None:
    for timing in (*job["timings"]["stages"], *job["timings"]["calls"]):
        timing["seconds"] += seconds


@pytest.mark.parametrize("slowest", [0.2, 40.0])
def test_too_few_requests_are_judged_by_a_bound_of_their_maximum(tmp_path: Path, slowest: float) -> None:
    """Finite even beyond the last bucket."""
    value = found(tmp_path, only(single(), get=[0.01] * 9 + [slowest]))["api_p95"]
    assert value.value is not None
    assert math.isfinite(value.value)
    assert value.value >= min(slowest, LATENCY_BUCKETS[-1])
    assert (value.n, value.note) == (10, "a bound of the maximum, n is too small for P95: GET /v1/videos")


def test_requests_of_a_client_are_judged_before_the_services_histogram(tmp_path: Path) -> None:
    """Exactly, from due time to answer: the 95th of 100 hundredths of the slower endpoint, failures left out."""
    run = api(n=100)
    run.requests.append({"endpoint": "GET /healthz", "due": 1.0, "sent": 1.0, "failure": "timeout", "seconds": 9.0})
    value = found(tmp_path, run)["api_p95"]
    assert value.value == pytest.approx(0.005 + 0.00094)
    assert (value.n, value.note) == (100, "the slowest: GET /v1/videos/{job_id}")


def test_without_data_there_is_no_value(tmp_path: Path) -> None:
    run = single(n=0)
    run.answers = {}
    components = ("parse_p95", "llm_p95", "tts_p95", "visual_p95", "assemble_p95")
    of_faults = (
        *("restart_max", "refusal_max", "drain_time", "quarantined", "call_recovery", "job_recovery"),
        *("delivered_rate", "partial_jobs", "retry_amplification", "mttr", "success_after"),
        *("detect_time", "close_time", "cancel_max", "cancelled_late_calls", "cancel_leftovers"),
        *("cancels_ignored", "cache_hit_rate"),
        *("leak", "memory_per_job", "cpu_utilisation", "collecting_cost"),
    )
    known = dict.fromkeys(
        ("response_p95", "success_rate", "throughput", "api_p95", *components, *of_faults), Indicator(None, 0)
    )
    counted = ("crashes", "late_ends", "breaker_opened", "breaker_closed")
    assert found(tmp_path, run) == known | dict.fromkeys(counted, Indicator(None))


def test_each_indicator_that_a_target_may_name_has_a_figure_and_a_title(tmp_path: Path) -> None:
    """Here, or where the load generator's own records are; a name without one would never have data."""
    elsewhere = {"request_success_rate", "sustained_rate", "integrity", "loss_age"}
    names = {str(name) for name in TargetIndicator}
    assert names == found(tmp_path, single(n=5)).keys() | elsewhere
    untitled = {"throughput", "request_success_rate", "sustained_rate"}
    assert names - TITLES.keys() == untitled


def test_components_are_judged_by_their_exact_p95_in_the_measured_phase(tmp_path: Path) -> None:
    """A stage by one length per job, a provider by each of its calls; a slow warm-up is no part of it."""
    run = single(warmup=8)
    for job in run.jobs:
        if job["phase"] == "warmup":
            lengthen(job, 9.0)
    values = found(tmp_path, run)
    assert values["parse_p95"] == Indicator(0.017, 60)
    assert values["assemble_p95"] == Indicator(0.018, 60)
    for provider, calls in (("llm", 60), ("tts", 300), ("visual", 300)):
        taken = sorted(
            call["seconds"]
            for job in run.jobs
            if job["phase"] == "measure"
            for call in job["timings"]["calls"]
            if call["provider"] == provider
        )
        assert len(taken) == calls
        assert values[f"{provider}_p95"] == Indicator(taken[math.ceil(0.95 * calls) - 1], calls)


def test_a_component_of_few_jobs_is_judged_by_its_slowest(tmp_path: Path) -> None:
    """And a job without timings, whose worker was lost, tells nothing of it."""
    run = single(n=12)
    lengthen(run.jobs[-2], 0.2)
    run.jobs[-1]["timings"] = None
    value = found(tmp_path, run)["assemble_p95"]
    assert value.value == pytest.approx(0.218)
    assert (value.n, value.note) == (11, "the maximum: n is too small for P95")


def test_a_summary_tells_stamp_figures_and_targets(tmp_path: Path) -> None:
    lines = summary(single().write(tmp_path))
    assert lines[0] == "single: VALID"
    assert "response time 0.622 s ± 0.056 s, P95 0.715 s (n = 60)" in lines
    assert any(line.startswith("overhead p50 17.0 ms over a critical path") for line in lines)
    assert any(line.startswith("response time, P95") and line.endswith("pass") for line in lines)
    assert lines[-1] == "verdict pass"


def test_a_summary_of_an_invalid_run_says_why(tmp_path: Path) -> None:
    run = single()
    run.result |= {"verdict": "invalid", "reasons": ["books do not balance"]}
    assert summary(run.write(tmp_path))[:2] == ["single: INVALID", "  books do not balance"]


def run_with_faults(tmp_path: Path, *faults: dict[str, object]) -> dict[str, Indicator]:
    """Two jobs: the first was taken from worker-1, which was killed at 4 s, and started again at 5.5 s; the second was
    handed back, and its client met two refusals.
    """
    run = single(n=2, warmup=0)
    first, second = run.jobs
    for job, worker, cause, start, end, again in (
        (first, "worker-1", "crashes", 3.0, 5.0, 5.5),
        (second, "worker-2", "handed_back", 3.0, 4.5, 6.0),
    ):
        past = {"worker": worker, "started_at": START + start, "ended_at": START + end, "cause": cause}
        job |= {"history": [past], "accepted": START + start, "started": START + again}
    refusals = [(0.4, "status", 503), (1.9, "status", 503), (9.0, "timeout", None), (3.0, "status", 500)]
    second["interruptions"] = [
        {"at": START, "seconds": seconds, "failure": failure, "status": status} for seconds, failure, status in refusals
    ]
    folder = run.write(tmp_path)
    (folder / "process_faults.jsonl").write_bytes(b"".join(orjson.dumps(fault) + b"\n" for fault in faults))
    return indicators(Run.load(folder))


def kill(victim: str, start: float, end: float, kind: str = "kill") -> dict[str, object]:
    return {"target": "worker", "kind": kind, "victim": victim, "start": START + start, "end": START + end}


def test_the_wait_for_a_second_start_runs_from_the_kill_that_ended_the_first_execution(tmp_path: Path) -> None:
    values = run_with_faults(
        tmp_path, kill("worker-1", 1.0, 2.0), kill("worker-1", 4.0, 5.2), kill("worker-2", 4.2, 5.2)
    )
    assert values["restart_max"].value == pytest.approx(1.5)
    assert values["restart_max"].n == 1


def test_without_a_kill_nobody_waits_for_a_second_start(tmp_path: Path) -> None:
    assert run_with_faults(tmp_path, kill("worker-1", 4.0, 5.2, kind="pause"))["restart_max"].value is None


def test_only_refusals_count_as_such(tmp_path: Path) -> None:
    value = run_with_faults(tmp_path)["refusal_max"]
    assert (value.value, value.n) == (1.9, 2)


def test_the_backlog_is_drained_when_the_last_job_that_had_waited_has_started(tmp_path: Path) -> None:
    values = run_with_faults(tmp_path, kill("worker-1", 3.2, 5.2))
    assert values["drain_time"].value == pytest.approx(0.8)
    assert values["drain_time"].n == 2
