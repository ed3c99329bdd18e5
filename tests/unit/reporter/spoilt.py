"""Runs with faults made by hand: jobs every half second from START + 1, each figure of which is known beforehand."""

import random
from collections.abc import Iterable
from typing import Any

from tests.unit.reporter.folders import START, Folder, job, single

GAP = 0.5
Attempts = tuple[str, ...]
"""How the attempts of one call ended, in order."""


def spoilt(scenario: str, ends: Iterable[str], provider_faults: Iterable[dict[str, Any]] = ()) -> Folder:
    """A run of a scenario whose k-th job is due at START + 1 + k · GAP and ended as `ends` says."""
    outcomes = list(ends)
    run = single(n=len(outcomes), warmup=0)
    run.info |= {"id": f"20231114-221320-{scenario}", "scenario": scenario, "title": f"The scenario {scenario}"}
    run.info |= {
        "provider_faults": [dict(one) for one in provider_faults],
        "load_model": "constant",
        "concurrency": None,
        "rate": 2.0,
    }
    run.info["faults_start"] = START if run.info["provider_faults"] else None
    run.result |= {"scenario": scenario, "targets": []}
    run.info["phases"] = [{"name": "measure", "start": START, "end": START + 1 + GAP * len(outcomes)}]
    run.answers = {}
    rng = random.Random(3)
    run.jobs = [job(index, rng, START + 1 + index * GAP) for index in range(len(outcomes))]
    for record, outcome in zip(run.jobs, outcomes, strict=True):
        record |= {"outcome": outcome, "executions": 1, "seed_key": f"{scenario}/{record['index']}"}
        for call in record["timings"]["calls"]:
            call["result"] = "ok"
        if outcome == "cancelled":
            record["timings"] = None
    counts = {outcome: outcomes.count(outcome) for outcome in ("completed", "partial", "failed", "cancelled")}
    run.result["counts"] |= counts | {"attempted": len(outcomes), "acknowledged": len(outcomes)}
    return run


def attempts(record: dict[str, Any], provider: str, scene: int, results: Attempts) -> None:
    """The call for this scene took these attempts."""
    calls = record["timings"]["calls"]
    call = next(call for call in calls if (call["provider"], call["scene"]) == (provider, scene))
    calls.remove(call)
    for number, result in enumerate(results, 1):
        planned = call["planned"] if result == "ok" else None
        calls.append(call | {"attempt": number, "result": result, "planned": planned})


def met(run: Folder, record: dict[str, Any], provider: str, scene: int, kind: str, attempt: int = 1) -> None:
    """The mocks wrote this call down as one that met a fault."""
    key = f"{record['seed_key']} {scene} {record['executions']} {attempt}"
    line = {"key": key, "provider": provider, "kind": kind, "number": 0, "at": record["due"], "answered": "sent"}
    run.faulted_calls.append(line | {"ended": record["due"] + 0.1})


def tts_failures() -> Folder:
    """20 jobs with 30 % of the speech calls failing. One call of each of the first ten fails: of eight the second
    attempt is good; of one, all four are bad, and its job is partial; of one, three are bad and the job fails.
    """
    fault = {"provider": "tts", "kind": "error", "rate": 0.3}
    run = spoilt("tts-failures", ["completed"] * 8 + ["partial", "failed"] + ["completed"] * 10, [fault])
    for record in run.jobs[:8]:
        attempts(record, "tts", 1, ("status", "ok"))
        met(run, record, "tts", 1, "error")
    attempts(run.jobs[8], "tts", 2, ("status", "status", "rate_limited", "status"))
    run.jobs[8]["failed_scenes"] = [2]
    attempts(run.jobs[9], "tts", 3, ("status", "status", "status"))
    run.jobs[9]["error"] = {"code": "provider_failed", "message": "3 of 5 scenes failed"}
    for record, scene, number in ((run.jobs[8], 2, 4), (run.jobs[9], 3, 3)):
        for attempt in range(1, number + 1):
            met(run, record, "tts", scene, "error", attempt)
    run.count("call.retries", 13, provider="tts", reason="status")
    run.count("call.retry_wait", 1.25, provider="tts", cause="backoff")
    run.count("breaker.rejected", 0, provider="tts")
    run.count("mock.faults", 15, provider="tts", kind="error")
    transitions(run)
    changed(run, "worker-1")
    return run


OUTAGE = {"provider": "llm", "kind": "outage", "at": 5.0, "duration": 4.0}
"""From START + 5 to START + 9."""


def llm_outage() -> Folder:
    """40 jobs. The eight that are due while the outage lasts fail, and two more; from START + 10 on all is well.

    worker-1 opens 0.8 s after the start, worker-2 a tenth later; both close 2.4 s and 2.5 s after the end.
    """
    ends = ["completed"] * 8 + ["failed"] * 8 + ["failed"] * 2 + ["completed"] * 22
    run = spoilt("llm-outage", ends, [OUTAGE])
    for record in run.jobs[8:18]:
        attempts(record, "llm", 0, ("disconnected",))
        record["timings"]["calls"] = record["timings"]["calls"][-1:]
        record["error"] = {"code": "provider_failed", "message": "connection lost"}
        met(run, record, "llm", 0, "outage")
    changed(run, "worker-1", open=[5.8, 7.0, 8.2], half_open=[6.9, 8.1, 9.3], closed=[11.4])
    changed(run, "worker-2", open=[5.9, 7.1, 8.3], half_open=[7.05, 8.15, 9.35], closed=[11.5])
    transitions(run, open=6, half_open=6, closed=2)
    run.count("breaker.rejected", 30, provider="llm")
    for result, n in (("good", 3), ("bad", 4), ("neutral", 0)):
        run.count("breaker.probes", n, provider="llm", result=result)
    run.count("mock.faults", 10, provider="llm", kind="outage")
    queue = [(START + t, 12.0 if 6 <= t <= 9 else 0.0) for t in range(60)]
    run.read("series.backlog", queue, status="queued", instance="exporter-1")
    run.read("series.backlog", [(when, 3.0) for when, _ in queue], status="in_progress", instance="exporter-1")
    return run


def transitions(run: Folder, **states: int) -> None:
    """Of the LLM's breakers; those of the other providers never changed."""
    for provider in ("llm", "tts", "visual"):
        for state in ("open", "half_open", "closed"):
            n = states.get(state, 0) if provider == "llm" else 0
            run.count("breaker.transitions", n, provider=provider, state=state)


def changed(run: Folder, instance: str, **states: list[float]) -> None:
    """Readings of the gauge every second; each moment, in seconds from START, shows from the next reading on."""
    for provider in ("llm", "tts", "visual"):
        for state in ("open", "half_open", "closed"):
            moments = states.get(state, []) if provider == "llm" else []
            points = [
                (START + t, max((START + moment for moment in moments if moment <= t), default=0.0)) for t in range(60)
            ]
            run.read("series.breaker_changed", points, provider=provider, state=state, instance=instance)


def partial_failures() -> Folder:
    """20 jobs: twelve whole, six partial with seven failed scenes (five narrations, three pictures), two failed."""
    fault = {"provider": "tts", "kind": "error", "rate": 0.1, "persistent": True}
    run = spoilt("partial-failures", ["completed"] * 12 + ["partial"] * 6 + ["failed"] * 2, [fault])
    for record in run.jobs[12:16]:
        attempts(record, "tts", 2, ("status",) * 4)
        record["failed_scenes"] = [2]
    attempts(run.jobs[16], "visual", 4, ("bad_payload",) * 4)
    run.jobs[16]["failed_scenes"] = [4]
    attempts(run.jobs[17], "tts", 1, ("status",) * 4)
    attempts(run.jobs[17], "visual", 1, ("timeout",) * 4)
    run.jobs[17]["timings"]["calls"] = [
        call
        for call in run.jobs[17]["timings"]["calls"]
        if (call["provider"], call["scene"]) != ("visual", 5)  # refused by a breaker throughout: no call was made
    ]
    run.jobs[17]["failed_scenes"] = [1, 5]
    for record in run.jobs[18:]:
        record["error"] = {"code": "provider_failed", "message": "3 of 5 scenes failed, more than half"}
    return run


def cancellation() -> Folder:
    """12 jobs, every second cancelled: two at once, two in `script`, two in `scenes`, of which one had ended before."""
    run = spoilt("cancellation", ["completed", "cancelled"] * 5 + ["completed", "completed"])
    run.info["faults_start"] = START
    stages = (None, None, "script", "script", "scenes", "scenes")
    for number, (record, stage) in enumerate(zip(run.jobs[1::2], stages, strict=True)):
        sent = record["due"] + 0.2
        cancel = {"stage": stage, "sent": sent, "acknowledged": sent + 0.01, "status": "cancelled"}
        record["cancel"] = cancel
        if record["outcome"] == "cancelled":
            record["held"] = sent + 0.02 * (number + 1)
            cancel |= {"late_calls": 0, "leftovers": 0}
        else:
            cancel["status"] = "completed"
    return run


def data_integrity() -> Folder:
    """20 jobs, 240 assets, of which two narrations are gone and one video shows a wrong scene."""
    run = spoilt("data-integrity", ["completed"] * 20)
    losses = ["video_07/scene-1.aac is missing", "video_07/scene-2.aac is missing", "video_09 shows scene 3 as scene 4"]
    run.result["integrity"] |= {"named": 240, "sound": 237, "jobs": 20, "videos": 20, "sound_videos": 19}
    run.result["integrity"]["losses"] = losses
    return run


def redis_restart() -> Folder:
    """30 jobs; Redis is killed at 3 s and at 7 s, and up again after half a second. One job fails at 7 s."""
    run = spoilt("redis-restart", ["completed"] * 12 + ["failed"] + ["completed"] * 17)
    for at in (3.0, 7.0):
        fault = {"target": "redis", "kind": "kill", "victim": "redis-1", "start": START + at, "end": START + at + 0.5}
        run.process_faults.append(fault)
    return run


def normal() -> Folder:
    """60 jobs, of which one failed."""
    return spoilt("normal", ["completed"] * 59 + ["failed"])


def whole_suite() -> list[Folder]:
    return [
        *(normal(), tts_failures(), llm_outage(), partial_failures()),
        *(cancellation(), data_integrity(), redis_restart()),
    ]
