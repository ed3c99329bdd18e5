"""What Prometheus would answer of the memory and the CPU of a run made by hand."""

from collections.abc import Callable, Sequence

from tests.unit.reporter.folders import START, Folder, single

MB = 1e6
SIZES = {
    ("service", "service-1", "self"): 50 * MB,
    ("worker", "worker-1", "self"): 60 * MB,
    ("worker", "worker-1", "children"): 70 * MB,
    ("exporter", "exporter", "self"): 40 * MB,
    ("mocks", "mocks", "self"): 55 * MB,
}
READINGS = 30
Size = Callable[[int], float]


def steady(growth: float = 0.0) -> Size:
    """Bytes at a reading, from how many jobs were done by then; a little noise that repeats."""
    return lambda jobs: growth * jobs + 20e3 * ((jobs * 7) % 5)


def resources(
    scenario: str = "leak", worker: Size | None = None, jobs: Sequence[int] | None = None, users: int = 4
) -> Folder:
    """A run of READINGS seconds in which a worker does a job a second, unless `jobs` says how many by each reading."""
    run = single(n=READINGS)
    done = list(jobs if jobs is not None else range(READINGS))
    window = {"start": START, "end": START + READINGS}
    run.info |= {
        "id": f"20231114-220000-{scenario}",
        "scenario": scenario,
        "concurrency": users,
        "window": window,
        "phases": [{"name": "measure", "start": START + 1, "end": START + 21}],
    }
    run.result |= {"scenario": scenario, "targets": []}
    times = [START + second for second in range(READINGS)]
    for (job, instance, part), size in SIZES.items():
        labels = {"job": job, "instance": instance, "part": part}
        grown = worker if worker is not None and (instance, part) == ("worker-1", "self") else steady()
        run.read("series.memory", [(t, size + grown(n)) for t, n in zip(times, done, strict=True)], **labels)
        run.count("memory.idle", size - MB, **labels)
        run.count("memory.resident", size + 30 * MB, **labels)
        for mode, seconds in (("user", 1.5), ("system", 0.5)):
            run.count("cpu.modes", seconds, mode=mode, **labels)
        for kind, count in (("voluntary", 900), ("involuntary", 12)):
            run.count("process.switches", count, kind=kind, **labels)
        if part == "self":
            run.count("process.cores", 2.0, job=job, instance=instance)
            run.count("cpu.collecting", 0.15, job=job, instance=instance)
            run.count("process.collections", 7, job=job, instance=instance, generation="0")
            run.count("process.collections", 1, job=job, instance=instance, generation="1")
    halves = [(t, n // 2) for t, n in zip(times, done, strict=True)]
    others = [(t, n - n // 2) for t, n in zip(times, done, strict=True)]
    run.read("series.executions", halves, job="worker", instance="worker-1", outcome="completed")
    run.read("series.executions", others, job="worker", instance="worker-1", outcome="partial")
    run.read(
        "series.finished", list(zip(times, done, strict=True)), job="exporter", instance="exporter", outcome="completed"
    )
    run.read("series.backlog", [(t, 3.0) for t in times], job="exporter", instance="exporter", status="in_progress")
    run.read("series.backlog", [(t, 4.0) for t in times], job="exporter", instance="exporter", status="queued")
    run.count("loop.n", 300, job="worker")
    run.count("loop.buckets", 300, job="worker", le="+Inf")
    run.count("loop.buckets", 300, job="worker", le="0.006")
    run.count("loop.buckets", 290, job="worker", le="0.004")
    run.count("loop.p50", 0.0005, job="worker")
    run.count("loop.p99", 0.004, job="worker")
    run.count("cpu.processes", 0.1, job="exporter", instance="exporter")
    return run
