"""The job as every process sees it."""

import os
import time
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from contract.calls import SEED_KEY_PATTERN, CacheResult, CallResult, Provider, UsageUnit, WaitCause

CACHE_NAMESPACE_PATTERN = r"^[A-Za-z0-9._-]{0,64}$"


class Status(StrEnum):
    """The words of the OpenAI Videos API, and `cancelled`."""

    QUEUED = "queued"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def terminal(self) -> bool:
        return self in (Status.COMPLETED, Status.FAILED, Status.CANCELLED)


class Outcome(StrEnum):
    """How a job ended; `partial` is a completed job with failed scenes."""

    COMPLETED = "completed"
    PARTIAL = "partial"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def status(self) -> Status:
        return Status.COMPLETED if self is Outcome.PARTIAL else Status(self.value)


class Stage(StrEnum):
    PARSE = "parse"
    SCRIPT = "script"
    SCENES = "scenes"
    ASSEMBLE = "assemble"
    PUBLISH = "publish"


class ErrorCode(StrEnum):
    DOCUMENT_MALFORMED = "document_malformed"
    DOCUMENT_ENCRYPTED = "document_encrypted"
    DOCUMENT_WITHOUT_TEXT = "document_without_text"
    DOCUMENT_TOO_LONG = "document_too_long"
    DOCUMENT_TOO_COSTLY = "document_too_costly"
    DOCUMENT_MISSING = "document_missing"
    PROVIDER_FAILED = "provider_failed"
    ASSEMBLY_FAILED = "assembly_failed"
    DEADLINE_EXCEEDED = "deadline_exceeded"
    QUARANTINED = "quarantined"
    INTERNAL = "internal"

    @property
    def blames_document(self) -> bool:
        """Another document would help; trying again would not."""
        return self.value.startswith("document_")


class VisualStyle(StrEnum):
    CLEAN = "clean"
    SKETCH = "sketch"
    DARK = "dark"


class Voice(StrEnum):
    ALLOY = "alloy"
    ECHO = "echo"
    NOVA = "nova"


class JobOptions(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    scenes: int = Field(default=5, ge=1, le=20)
    style: VisualStyle = VisualStyle.CLEAN
    voice: Voice = Voice.ALLOY
    seed: int = Field(default=0, ge=0, lt=2**31, description="same document, options and seed: same script")
    seed_key: str = Field(
        default="",
        pattern=SEED_KEY_PATTERN + "|^$",
        description="names the job to the mocked providers; jobs with the same key meet the same latencies and faults",
    )
    cache_namespace: str = Field(
        default="",
        pattern=CACHE_NAMESPACE_PATTERN,
        description="jobs share what providers answered with those of the same namespace only",
    )


class DocumentInfo(BaseModel):
    model_config = ConfigDict(frozen=True)

    name: str
    bytes: int
    sha256: str


class JobRequest(BaseModel):
    """What was asked for; never changes once accepted."""

    model_config = ConfigDict(frozen=True)

    document: DocumentInfo
    options: JobOptions


class JobError(BaseModel):
    code: ErrorCode
    message: str
    stage: Stage | None = None


class StageTiming(BaseModel):
    """One stage of one execution. Times in seconds; `cpu` only where it was measured on its own."""

    stage: Stage
    start: float = Field(description="Unix time")
    seconds: float
    cpu: float | None = None


class CallTiming(BaseModel):
    """One provider call. `planned` is what a mock said it would take; unknown for a real provider."""

    provider: Provider
    scene: int
    attempt: int
    result: CallResult | None = Field(default=None, description="unknown in records of earlier versions")
    start: float = Field(description="Unix time")
    seconds: float
    planned: float | None
    bytes_sent: int
    bytes_received: int
    usage: dict[UsageUnit, int] | None = Field(
        default=None, description="what the answer is billed by; unknown where there was none or it does not say"
    )


class CallWait(BaseModel):
    """One wait before a provider was called again, or at all. `seconds` is how long it took, not how long it should."""

    provider: Provider
    scene: int
    cause: WaitCause
    start: float = Field(description="Unix time")
    seconds: float


class CacheLookup(BaseModel):
    """One question to the cache, before a provider is called."""

    provider: Provider
    scene: int
    request: str = Field(description="the same for the same request within one namespace, and for no other")
    result: CacheResult
    seconds: float = Field(description="until it was known, waiting for another job's call included")
    saved: float = Field(default=0.0, description="seconds that the call took whose answer was used instead")


class Timings(BaseModel):
    stages: list[StageTiming] = Field(default_factory=list)
    calls: list[CallTiming] = Field(default_factory=list)
    lookups: list[CacheLookup] = Field(default_factory=list)
    waits: list[CallWait] = Field(default_factory=list, description="empty in records of earlier versions")


class Cause(StrEnum):
    """Why an execution ended without ending its job."""

    CRASH = "crashes"
    HANDED_BACK = "handed_back"
    ERROR = "errors"


class PastExecution(BaseModel):
    """An execution after which the job went back into the queue. Times are Unix seconds by Redis's clock."""

    worker: str
    started_at: float
    ended_at: float = Field(description="when the ledger took the job back")
    cause: Cause


class Job(BaseModel):
    """The job resource. Times are Unix seconds by Redis's clock; `version` counts its transitions."""

    id: str
    object: str = "video"
    status: Status
    stage: Stage | None = None
    progress: int = Field(default=0, ge=0, le=100)
    version: int
    created_at: float
    started_at: float | None = None
    completed_at: float | None = None
    executions: int = 0
    crashes: int = 0
    errors: int = 0
    history: list[PastExecution] = Field(default_factory=list, description="executions before the last one")
    cancel_requested: bool = False
    document: DocumentInfo
    options: JobOptions
    failed_scenes: list[int] = Field(default_factory=list)
    seconds: float | None = Field(default=None, description="length of the video")
    bytes: int | None = Field(default=None, description="size of the video")
    error: JobError | None = None
    timings: Timings | None = Field(default=None, description="of the execution that ended the job")


def new_job_id() -> str:
    """Sorts by creation time: 48 bits of milliseconds, then 64 random bits, in hexadecimal."""
    return job_id_before(time.time()) + os.urandom(8).hex()


def job_id_before(moment: float) -> str:
    """Sorts before every id made from `moment` on, in Unix seconds, and after those made before its millisecond."""
    return f"video_{int(moment * 1000):012x}"
