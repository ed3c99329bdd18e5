"""The files of a run's folder: what the load generator writes and the reporter reads.

What a run did not learn is None, and never 0. Times are Unix seconds.
"""

from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from contract.catalogue import Phase
from contract.jobs import DocumentInfo, JobError, Outcome, PastExecution, Stage, Status, Timings
from contract.provider_faults import ProviderFault

RUN = "run.json"
JOBS = "jobs.jsonl"
REQUESTS = "requests.jsonl"
FAULTS = "faults.jsonl"
"""Provider calls that met a fault, a `FaultedCall` each."""
PROCESS_FAULTS = "process_faults.jsonl"
UNEXPLAINED = "unexplained.txt"
"""Provider calls of which the mocks and the workers tell different stories, a sentence each, where there are any."""
RESULT = "result.json"
QUERIES = "queries.json"
RUNGS = "rungs"
"""Folder that holds a run's folder for each step of a scenario of several."""
SAMPLE_VIDEO = "sample.mp4"


class RequestFailure(StrEnum):
    """Why a request got no usable answer."""

    REFUSED = "refused"
    TIMEOUT = "timeout"
    DISCONNECTED = "disconnected"
    STATUS = "status"


class Interruption(BaseModel):
    """A request that got no usable answer, of a client that asked again. Times by the client's clock, in seconds."""

    at: float
    seconds: float
    failure: RequestFailure
    status: int | None = None


class CancelRecord(BaseModel):
    """The cancellation of a job by its client, asked for when it had reached `stage`. Times by the client's clock."""

    stage: Stage | None = Field(default=None, description="None: at once, wherever the job is")
    met: Stage | None = Field(default=None, description="the stage that the job was in when it was cancelled")
    sent: float
    acknowledged: float | None = None
    status: Status | None = Field(default=None, description="with which the service answered")
    late_calls: int | None = Field(
        default=None, description="provider calls of the job that began over 500 ms after the acknowledgement"
    )
    leftovers: int | None = Field(default=None, description="files of the job that were there after the run")


class JobRecord(BaseModel):
    """One job as its client lived it. `accepted`, `started` and `finished` are by Redis's clock, the others by the
    client's; `response_seconds` (due to held) was taken on a monotonic clock.
    """

    model_config = ConfigDict(extra="ignore")

    index: int
    phase: Phase
    seed_key: str
    input: int | None = Field(default=None, description="of a load that repeats inputs, the one that was asked for")
    due: float
    dropped: bool = False
    id: str | None = None
    sent: float | None = None
    acknowledged: float | None = None
    accepted: float | None = None
    started: float | None = None
    finished: float | None = None
    held: float | None = None
    response_seconds: float | None = None
    outcome: Outcome | None = None
    failed_scenes: list[int] = Field(default_factory=list)
    error: JobError | None = None
    request_failure: RequestFailure | None = None
    detail: str | None = None
    http_status: int | None = None
    bytes: int | None = None
    video_seconds: float | None = None
    executions: int | None = None
    history: list[PastExecution] = Field(default_factory=list)
    interruptions: list[Interruption] = Field(default_factory=list)
    cancel: CancelRecord | None = None
    timings: Timings | None = None


class RequestRecord(BaseModel):
    """One request of the API scenario, from its due time to its whole answer; `seconds` on a monotonic clock."""

    endpoint: str = Field(description="method and route template, as the service's metrics name them")
    due: float
    sent: float
    seconds: float | None = None
    status: int | None = None
    failure: RequestFailure | None = None


class FaultRecord(BaseModel):
    """A fault that a process met; `end` is when it was up again. Times by the client's clock."""

    target: str = Field(description="the kind of process")
    kind: str
    victim: str
    start: float
    end: float | None = None
    lost_bytes: int | None = Field(default=None, description="of Redis's log, that were not on disk")


class PhaseSpan(BaseModel):
    name: Phase
    start: float
    end: float | None = None


class Window(BaseModel):
    """Two settled readings of Prometheus, around the measured phase and nothing else; by its clock."""

    start: float
    end: float


class RunInfo(BaseModel):
    """`run.json`: what is needed to judge the run and to repeat it."""

    model_config = ConfigDict(extra="ignore")

    id: str
    scenario: str
    title: str
    seed: int
    rung: str | None = Field(
        default=None, pattern=r"^[A-Za-z0-9._+-]*$", description="the step of a scenario of several; part of file names"
    )
    load_model: str
    concurrency: int | None = Field(default=None, description="users of a closed loop")
    rate: float | None = Field(default=None, description="arrivals per second of an open loop")
    generators: int = Field(default=1, description="processes that shared the load")
    generators_busy: dict[str, float] = Field(
        default_factory=dict, description="share of a core that each of them used while measuring"
    )
    jobs: int
    warmup_jobs: int
    started: float
    ended: float | None = None
    git_revision: str | None
    git_dirty: bool | None
    versions: dict[str, str | None]
    machine: dict[str, Any]
    document: DocumentInfo
    workload: dict[str, Any]
    workload_changed: list[str] = Field(description="settings that differ from the default workload")
    prometheus_url: str
    scrape_interval: float
    clock_skew: float | None = None
    foreign: bool = Field(default=False, description="a target that lets nobody at its ledger and its processes")
    provider_faults: list[ProviderFault] = Field(default_factory=list)
    faults_start: float | None = Field(default=None, description="from which the clock of the faults runs")
    machine_busy: float | None = Field(default=None, description="share of all cores in use while measuring")
    phases: list[PhaseSpan] = Field(default_factory=list)
    window: Window | None = None


class Op(StrEnum):
    BELOW = "<"
    AT_LEAST = ">="
    ABOVE = ">"

    def holds(self, value: float, limit: float) -> bool:
        if self is Op.BELOW:
            return value < limit
        return value >= limit if self is Op.AT_LEAST else value > limit


class Target(BaseModel):
    """A target as judged; `value` None is "no data", which fails."""

    model_config = ConfigDict(populate_by_name=True)

    name: str
    value: float | None
    op: Op
    limit: float
    unit: str
    passed: bool = Field(alias="pass")
    n: int | None = None
    note: str | None = None
    rung: str | None = None


class Entry(BaseModel):
    """A line of the books: the same count by each party that keeps one. A party that told nothing fails the line."""

    model_config = ConfigDict(populate_by_name=True)

    name: str
    parties: dict[str, int | None]
    passed: bool = Field(alias="pass")


class Counts(BaseModel):
    """As Jepsen's total-queue checker defines them, on job ids of the measured phase (jepsen/checker.clj)."""

    attempted: int
    acknowledged: int
    completed: int
    partial: int
    failed: int
    cancelled: int
    lost: int
    unexpected: int
    duplicated: int
    recovered: int


class Verdict(StrEnum):
    PASS = "pass"  # noqa: S105 - a verdict, no password
    FAIL = "fail"
    INVALID = "invalid"


class Integrity(BaseModel):
    """Assets named by manifests, and those that are what the manifest says; `losses` names the others.

    `jobs` were completed and inspected; `videos` of them had a manifest, `sound_videos` a video as it must be.
    """

    named: int = 0
    sound: int = 0
    jobs: int = 0
    videos: int = 0
    sound_videos: int = 0
    losses: list[str] = Field(default_factory=list)

    @property
    def share(self) -> float | None:
        """The lower of two shares: of all assets, and of the videos alone, which the many small assets would hide."""
        if not self.named or not self.jobs:
            return None
        return min(self.sound / self.named, self.sound_videos / self.jobs)


class Result(BaseModel):
    """`result.json`. `notes` belong beside the figures, whatever the verdict."""

    scenario: str
    seed: int
    verdict: Verdict
    reasons: list[str]
    notes: list[str] = Field(default_factory=list)
    targets: list[Target]
    counts: Counts
    books: list[Entry]
    integrity: Integrity
