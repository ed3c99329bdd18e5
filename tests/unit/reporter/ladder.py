"""Runs of other scenarios made by hand: a ladder of loads, and requests of the API."""

import random
from typing import Any

from tests.unit.reporter.folders import START, Folder, _answer, job, single

LIGHT, SIGMA, KAPPA = 1.6, 0.02, 0.0004
"""Of the law that the ladder follows to the letter."""
USERS = (1, 5, 10, 20, 50)


def throughput(users: float) -> float:
    return LIGHT * users / (1 + SIGMA * (users - 1) + KAPPA * users * (users - 1))


def ladder(users: tuple[int, ...] = USERS, jobs: int = 80) -> Folder:
    """Scenario `concurrent`; `jobs` on each rung, 60 ms of CPU each in the service, the machine full at 50 users.

    Its own answers hold other counts than its records, as those of a real one do.
    """
    whole = single(n=1)
    whole.rungs = {f"users-{n}": _rung(n, jobs) for n in users}
    whole.jobs = [record for rung in whole.rungs.values() for record in rung.jobs]
    name = {"id": "20231114-230000-concurrent", "scenario": "concurrent", "title": "More and more users"}
    whole.info |= name | {"load_model": "rungs", "concurrency": None, "machine_busy": None}
    whole.result |= {"scenario": "concurrent"}
    whole.result["targets"] = [
        target | {"rung": rung} for rung, folder in whole.rungs.items() for target in folder.result["targets"]
    ]
    for count in ("attempted", "acknowledged", "completed"):
        whole.result["counts"][count] = jobs * len(users)
    return whole


def _rung(users: int, jobs: int) -> Folder:
    rung = single(n=jobs)
    rng = random.Random(users)
    gap = max(0.0, jobs / throughput(users) - 1) / (jobs - 1)  # no job takes a second
    rung.jobs = [job(index, rng, START + 1 + index * gap) for index in range(jobs)]
    rung.jobs[-1]["held"] = START + 1 + jobs / throughput(users)
    rung.answers = {}
    _answer(rung)
    _processors(rung, jobs)
    rung.info |= {
        "id": f"20231114-230000-concurrent.users-{users}",
        "scenario": "concurrent",
        "title": "More and more users",
        "rung": f"users-{users}",
        "concurrency": users,
        "machine": rung.info["machine"] | {"cores": 4},
        "machine_busy": 0.95 if users >= 50 else 0.5,
    }
    rung.result |= {"scenario": "concurrent"}
    rate: dict[str, Any] = {"name": "success_rate", "value": 1.0, "op": ">=", "limit": 0.95, "unit": "ratio"}
    rung.result["targets"] = [rate | {"pass": True, "n": jobs}]
    return rung


def _processors(rung: Folder, jobs: int) -> None:
    """Milliseconds per job: 60 for the service, 20 for what measures it."""
    per_job = {"service": 10, "worker": 15, "exporter": 1, "mocks": 12, "loadgen": 8}
    rung.answers["cpu.processes"], rung.answers["cpu.stages"] = [], []
    for process, milliseconds in per_job.items():
        rung.count("cpu.processes", milliseconds * jobs / 1000, job=process, instance=f"{process}-1")
    rung.count("cpu.stages", 0.016 * jobs, stage="parse")
    rung.count("cpu.stages", 0.018 * jobs, stage="assemble")


def api(n: int = 300) -> Folder:
    """Scenario `api`: `n` requests to each of two endpoints, each 1 ms longer for the client than for the service."""
    run = single(n=0)
    run.answers = {}
    run.info |= {"id": "20231114-233000-api", "scenario": "api", "title": "Requests that should be quick"}
    run.result |= {"scenario": "api", "targets": []}
    for endpoint, base in (("GET /healthz", 0.001), ("GET /v1/videos/{job_id}", 0.004)):
        method, route = endpoint.split()
        served = [base + 0.00001 * i for i in range(n)]
        run.observe("http", served, method=method, route=route, kind="plain")
        for i, seconds in enumerate(served):
            due = START + 0.01 * i
            run.requests.append(
                {"endpoint": endpoint, "due": due, "sent": due, "seconds": seconds + 0.001, "status": 200}
            )
    return run
