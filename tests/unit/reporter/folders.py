"""A run's folder made by hand: consistent as written, to be spoilt by a test before it is."""

import math
import random
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from contract.catalogue import LATENCY_BUCKETS
from contract.jobs import Outcome
from contract.settings import Workload
from reporter.queries import QUERIES

START, END = 1_700_000_000.0, 1_700_000_060.0


def job(index: int, rng: random.Random, due: float | None = None) -> dict[str, Any]:
    """A completed job with an overhead of 17 ms: 3 submit, 2 queue, 9 stages, 1 between them, 2 notify."""
    due = START + 1 + index if due is None else due
    llm = rng.lognormvariate(math.log(0.3) - 0.02, 0.2)
    calls = [_call("llm", 0, llm)]
    for scene in range(1, 6):
        calls += [_call("tts", scene, rng.uniform(0.08, 0.18)), _call("visual", scene, rng.uniform(0.1, 0.3))]
    slowest = max(call["planned"] for call in calls[1:])
    seconds = {"parse": 0.017, "script": llm + 0.002, "scenes": slowest + 0.003, "assemble": 0.018, "publish": 0.001}
    cpu = {"parse": 0.015, "assemble": 0.017}
    accepted, started = due + 0.003, due + 0.005
    finished = started + sum(seconds.values()) + 0.001
    response = finished - due + 0.002
    stages = [{"stage": s, "start": started, "seconds": v, "cpu": cpu.get(s)} for s, v in seconds.items()]
    return {
        "id": f"video_{index:028x}",
        "index": index,
        "phase": "measure",
        "seed_key": f"single-{index}",
        "due": due,
        "sent": due + 0.0002,
        "acknowledged": due + 0.004,
        "held": due + response,
        "accepted": accepted,
        "started": started,
        "finished": finished,
        "response_seconds": response,
        "outcome": "completed",
        "error": None,
        "bytes": 48_000,
        "video_seconds": 31.0,
        "timings": {"stages": stages, "calls": calls},
    }


def _call(provider: str, scene: int, planned: float) -> dict[str, Any]:
    return {
        "provider": provider,
        "scene": scene,
        "attempt": 1,
        "start": START,
        "seconds": planned + 0.0015,
        "planned": planned,
        "bytes_sent": 900,
        "bytes_received": 12_000,
    }


def _lines(records: list[dict[str, Any]]) -> bytes:
    return b"".join(orjson.dumps(record) + b"\n" for record in records)


Samples = list[dict[str, Any]]


@dataclass
class Folder:
    info: dict[str, Any]
    jobs: list[dict[str, Any]]
    result: dict[str, Any]
    answers: dict[str, Samples] = field(default_factory=dict)
    requests: list[dict[str, Any]] = field(default_factory=list)
    rungs: "dict[str, Folder]" = field(default_factory=dict)
    faulted_calls: list[dict[str, Any]] = field(default_factory=list)
    process_faults: list[dict[str, Any]] = field(default_factory=list)

    def write(self, folder: Path) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "run.json").write_bytes(orjson.dumps(self.info))
        (folder / "jobs.jsonl").write_bytes(_lines(self.jobs))
        (folder / "result.json").write_bytes(orjson.dumps(self.result))
        if self.requests:
            (folder / "requests.jsonl").write_bytes(_lines(self.requests))
        if self.faulted_calls:
            (folder / "faults.jsonl").write_bytes(_lines(self.faulted_calls))
        if self.process_faults:
            (folder / "process_faults.jsonl").write_bytes(_lines(self.process_faults))
        for name, rung in self.rungs.items():
            rung.write(folder / "rungs" / name)
        entries = [
            {"id": q.id, "title": q.title, "unit": q.unit, "expr": q.at(START, END), "time": END, "result": found}
            for q in QUERIES
            if (found := self.answers.get(q.id)) is not None
        ]
        (folder / "queries.json").write_bytes(orjson.dumps({"start": START, "end": END, "answers": entries}))
        return folder

    def observe(self, histogram: str, values: Sequence[float], **labels: str) -> None:
        """Adds what Prometheus would answer about a histogram of these values; of the buckets that tell nothing, one
        at each end.
        """
        bounds = [*LATENCY_BUCKETS, math.inf]
        ordered = sorted(values)
        cumulative = [(bound, bisect_right(ordered, bound)) for bound in bounds]
        self._add(f"{histogram}.n", len(values), labels)
        self._add(f"{histogram}.sum", sum(values), labels)
        below = bisect_right(cumulative, 0, key=lambda bucket: bucket[1])
        full = sum(count < len(values) for _, count in cumulative)
        for bound, count in [*cumulative[max(0, below - 1) : full + 1], cumulative[-1]]:
            self._add(f"{histogram}.buckets", count, labels | {"le": "+Inf" if bound == math.inf else str(bound)})
        for name, q in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99)):
            self._add(f"{histogram}.{name}", _histogram_quantile(q, cumulative), labels)

    def _add(self, query: str, value: float | None, labels: dict[str, str]) -> None:
        self.answers.setdefault(query, []).append({"labels": labels, "value": value})

    def count(self, query: str, value: float, **labels: str) -> None:
        self._add(query, value, labels)

    def read(self, query: str, points: Sequence[tuple[float, float | None]], **labels: str) -> None:
        """A series of readings."""
        self.answers.setdefault(query, []).append({"labels": labels, "value": points[-1][1], "points": points})


def _histogram_quantile(q: float, cumulative: Sequence[tuple[float, int]]) -> float | None:
    """As Prometheus does it: linear between the bounds of the bucket that holds the rank."""
    rank, low, below = q * cumulative[-1][1], 0.0, 0
    for bound, count in cumulative:
        if count and count >= rank:
            return low if bound == math.inf else low + (bound - low) * (rank - below) / (count - below)
        low, below = bound, count
    return None


def single(n: int = 60, seed: int = 7, warmup: int = 3) -> Folder:
    """Scenario `single` as it should come out."""
    rng = random.Random(seed)
    jobs = [job(index, rng) for index in range(n)]
    slow = {"phase": "warmup", "response_seconds": 20.0, "outcome": "failed"}
    warm = [job(index, rng) | slow | {"id": f"warm-{index}"} for index in range(warmup)]
    info = {
        "id": "20231114-221320-single",
        "scenario": "single",
        "title": "One job after another",
        "seed": seed,
        "load_model": "closed",
        "jobs": n,
        "started": START - 20,
        "ended": END + 2,
        "git_revision": "0123abc",
        "git_dirty": False,
        "versions": {"python": "3.11.2", "redis": "7.0.15", "prometheus": "2.42.0", "arq": "0.28.0"},
        "machine": {
            "cpu_model": "Example CPU",
            "cores": 2,
            "memory_bytes": 8 * 2**30,
            "kernel": "6.1",
            "system": "Debian 12",
        },
        "document": {"name": "paper.pdf", "bytes": 120_000, "sha256": "ab" * 32},
        "workload": Workload().model_dump(mode="json"),
        "workload_changed": [],
        "scrape_interval": 1.0,
        "clock_skew": 0.0004,
        "warmup_jobs": warmup,
        "concurrency": 1,
        "machine_busy": 0.2,
        "prometheus_url": "http://127.0.0.1:9090",
        "phases": [
            {"name": "warmup", "start": START - 15, "end": START - 2},
            {"name": "measure", "start": START, "end": END - 2},
            {"name": "settle", "start": END - 2, "end": END},
        ],
        "window": {"start": START, "end": END},
    }
    p95 = sorted(j["response_seconds"] for j in jobs)[math.ceil(0.95 * n) - 1] if jobs else None
    zeros = ("partial", "failed", "cancelled", "lost", "unexpected", "duplicated", "recovered")
    result = {
        "scenario": "single",
        "seed": seed,
        "verdict": "pass",
        "reasons": [],
        "targets": [
            {"name": "response_p95", "value": p95, "op": "<", "limit": 2.0, "unit": "s", "pass": True, "n": n},
        ],
        "counts": {"attempted": n, "acknowledged": n, "completed": n, **dict.fromkeys(zeros, 0)},
        "books": [
            {"name": "submitted", "parties": {"client": n, "redis": n, "exporter": n, "api": n}, "pass": True},
            {"name": "completed", "parties": {"client": n, "redis": n, "load_metrics": n}, "pass": True},
        ],
        "integrity": {"named": 12 * n, "sound": 12 * n, "jobs": n, "videos": n, "sound_videos": n, "losses": []},
    }
    folder = Folder(info, jobs, result)
    _answer(folder)
    folder.jobs = [*warm, *jobs]
    return folder


def _answer(folder: Folder) -> None:
    jobs = folder.jobs
    n = len(jobs)
    folder.observe("load.response", [j["response_seconds"] for j in jobs])
    folder.observe("job.queue", [j["started"] - j["accepted"] for j in jobs])
    for stage in ("parse", "script", "scenes", "assemble", "publish"):
        lengths = [t["seconds"] for j in jobs for t in j["timings"]["stages"] if t["stage"] == stage]
        folder.observe("stage", lengths, stage=stage)
    for provider in ("llm", "tts", "visual"):
        calls = [c for j in jobs for c in j["timings"]["calls"] if c["provider"] == provider]
        folder.observe("mock.planned", [c["planned"] for c in calls], provider=provider)
        folder.observe("call", [c["seconds"] for c in calls], provider=provider)
        folder.count("call.results", len(calls), provider=provider, result="ok")
        folder.count("call.results", 0, provider=provider, result="timeout")
        folder.count("mock.calls", len(calls), provider=provider, status="200")
        folder.count("call.bytes", 900 * len(calls), provider=provider, direction="sent")
        folder.count("call.bytes", 12_000 * len(calls), provider=provider, direction="received")
    folder.observe("http", [0.004 + 0.0001 * i for i in range(n)], method="POST", route="/v1/videos", kind="plain")
    folder.observe("http", [0.6] * n, method="GET", route="/v1/videos/{id}", kind="wait")
    folder.observe("http", [0.002] * 10, method="GET", route="/readyz", kind="plain")
    folder.observe("http", [], method="GET", route="/healthz", kind="plain")
    for party in ("ledger.finished", "worker.executions", "load.jobs"):
        for outcome in Outcome:
            folder.count(party, n if outcome is Outcome.COMPLETED else 0, outcome=outcome.value)
    for query in ("ledger.submitted", "ledger.executions", "load.arrivals"):
        folder.count(query, n)
    zeros = ("ledger.crashes", "ledger.handed_back", "ledger.stale_finishes", "worker.handed_back", "worker.lost")
    for query in (*zeros, "load.late", "load.errors"):
        folder.count(query, 0)
    for process, seconds in (("service", 0.6), ("worker", 2.1), ("mocks", 0.8), ("loadgen", 0.4)):
        folder.count("cpu.processes", seconds, job=process, instance=f"{process}-1")
        folder.count("meta.restarts", 0, job=process, instance=f"{process}-1")
        folder.count("meta.scrapes", 60, job=process, instance=f"{process}-1")
        folder.count("meta.failed_scrapes", 0, job=process, instance=f"{process}-1")
    folder.count("cpu.stages", 0.9, stage="parse")
    folder.count("cpu.stages", 1.0, stage="assemble")
