"""Records, jobs and runs as a run of three jobs would leave them; a test changes what it is about."""

from typing import Any

from contract.catalogue import Phase
from contract.jobs import DocumentInfo, Job, JobOptions, Outcome, Status
from contract.runfolder import JobRecord, RunInfo

DOCUMENT = DocumentInfo(name="paper.pdf", bytes=3, sha256="0" * 64)


def video_id(index: int) -> str:
    return f"video_{index:028x}"


def key(index: int) -> str:
    return f"1/measure/{index}"


def job(index: int, status: Status = Status.COMPLETED, **fields: Any) -> Job:
    options = JobOptions(seed_key=fields.pop("seed_key", key(index)))
    given = {"id": video_id(index), "version": 3, "created_at": 100.0 + index, "executions": 1} | fields
    return Job(status=status, document=DOCUMENT, options=options, **given)


def record(index: int, **fields: Any) -> JobRecord:
    due = 100.0 + index
    given: dict[str, Any] = {
        "phase": Phase.MEASURE,
        "seed_key": key(index),
        "due": due,
        "sent": due,
        "id": video_id(index),
        "outcome": Outcome.COMPLETED,
    }
    return JobRecord(index=index, **(given | fields))


def run_info(**fields: Any) -> RunInfo:
    given: dict[str, Any] = {
        "id": "a-run",
        "scenario": "small",
        "title": "Small",
        "seed": 1,
        "load_model": "closed",
        "concurrency": 1,
        "jobs": 3,
        "warmup_jobs": 2,
        "started": 90.0,
        "git_revision": None,
        "git_dirty": None,
        "versions": {},
        "machine": {},
        "document": DocumentInfo(name="paper.pdf", bytes=3, sha256="0" * 64),
        "workload": {},
        "workload_changed": [],
        "prometheus_url": "http://127.0.0.1:1",
        "scrape_interval": 1.0,
        "clock_skew": 0.0,
    }
    return RunInfo(**(given | fields))
