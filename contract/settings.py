"""Settings, read once per process from the environment (prefix `T2V_`)."""

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, Field, PositiveFloat, PositiveInt, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


class Plant(StrEnum):
    """Defects that tests plant to prove that our checks can fail. Never set one elsewhere."""

    SKIP_JOB_COUNT = "skip-job-count"
    """A worker leaves the fourth measured job of a run out of its own counter."""
    SWAP_SCENES = "swap-scenes"
    """Assembly shows the pictures of the first two scenes in each other's place."""
    POISON_JOB = "poison-job"
    """The fourth measured job of a run kills the process that runs it."""
    SLOW_ASSEMBLY = "slow-assembly"
    """Assembly takes 200 ms longer, of which none is CPU time."""
    LEAK = "leak"
    """A worker keeps 1 MB per job for ever."""


class Fsync(StrEnum):
    """When Redis makes sure that the ledger's log is on disk: what a loss of power may cost."""

    ALWAYS = "always"
    """Before it acknowledges: nothing."""
    EVERYSEC = "everysec"
    """Every second: what was acknowledged in the last one, two where the disk is slow."""
    NO = "no"
    """When the kernel likes to: half a minute."""


RESERVE = 0.05
"""Share of a job's time into which no wait for a provider reaches."""


class LatencyProfile(BaseModel, frozen=True):
    """Log-normal latency of a mocked provider, in seconds."""

    mean: PositiveFloat
    sd: PositiveFloat


class BreakerTerms(BaseModel, frozen=True):
    """When a provider counts as down, and how it is tried again. Times in seconds."""

    window: PositiveFloat = Field(default=10.0, description="over which the share of failures is taken")
    volume: PositiveInt = Field(default=20, description="calls within the window, below which nothing is concluded")
    ratio: float = Field(default=0.7, gt=0, le=1, description="share of failures from which on it opens")
    open_for: PositiveFloat = 1.0
    probe_every: PositiveFloat = Field(default=1.0, description="over all workers")
    probes: PositiveInt = Field(default=3, description="good ones after which it closes")


class Workload(BaseSettings):
    """What the service is asked to do and under which limits; a run with other values is another workload."""

    model_config = SettingsConfigDict(
        env_prefix="T2V_", env_nested_delimiter="__", nested_model_default_partial_update=True, frozen=True
    )

    llm_latency: LatencyProfile = LatencyProfile(mean=0.300, sd=0.060)
    tts_latency: LatencyProfile = LatencyProfile(mean=0.120, sd=0.030)
    visual_latency: LatencyProfile = LatencyProfile(mean=0.200, sd=0.050)

    workers: PositiveInt = 2
    slots: PositiveInt = 32
    call_timeout: PositiveFloat = 5.0
    call_attempts: PositiveInt = 4
    first_backoff: PositiveFloat = Field(default=0.05, description="longest wait before a second attempt; doubles")
    pooling: bool = Field(default=True, description="whether connections to providers are kept for the next call")
    breaker: BreakerTerms = BreakerTerms()
    parallel_scenes: bool = Field(default=True, description="whether the calls of all scenes are made at once")
    wake_up: bool = Field(default=True, description="whether a job wakes an idle worker, or is found at its next look")
    job_deadline: PositiveFloat = 30.0
    lease: PositiveFloat = 10.0
    renew_every: PositiveFloat = 2.5
    job_attempts: PositiveInt = Field(default=3, description="of a job that keeps failing for reasons of ours")
    suspect_after: PositiveInt = Field(
        default=3, description="workers that died while they ran a job, from which on it runs alone"
    )
    most_crashes: PositiveInt = Field(
        default=20, description="workers that died while they ran a job, from which on it is given up unproven"
    )

    cache: bool = Field(default=True, description="whether answers of providers are kept and used again")
    cache_bytes: PositiveInt = Field(default=256 * 2**20, description="of the cache's Redis, where the stack is ours")

    queue_fsync: Fsync = Field(default=Fsync.EVERYSEC, description="of the ledger's Redis, where the stack is ours")

    max_document_bytes: PositiveInt = 20 * 2**20
    max_pages: PositiveInt = 100
    parse_timeout: PositiveFloat = 10.0
    assemble_timeout: PositiveFloat = 20.0
    sandbox_memory_bytes: PositiveInt = 2**30

    plant: Annotated[frozenset[Plant], NoDecode] = Field(default=frozenset(), description="separated by commas")

    @property
    def patience(self) -> float:
        """Seconds of a job's time in which it waits for providers: the rest is for putting together what there is."""
        return self.job_deadline * (1 - RESERVE)

    def environment(self) -> dict[str, str]:
        """As environment variables, from which another process makes the same workload."""
        values = self.model_dump(mode="json") | {"plant": ",".join(sorted(self.plant))}
        texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in values.items()}
        return {f"T2V_{name.upper()}": text for name, text in texts.items()}

    @field_validator("plant", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return [part for part in value.split(",") if part] if isinstance(value, str) else value


class Deployment(BaseSettings):
    """Where the parts of one stack find each other."""

    model_config = SettingsConfigDict(env_prefix="T2V_", frozen=True)

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535, description="where this process answers HTTP")
    redis_url: str = "redis://127.0.0.1:6379/0"
    cache_url: str = "redis://127.0.0.1:6380/0"
    data_dir: Path = Path("data")
    llm_url: str = "http://127.0.0.1:8010/v1"
    tts_url: str = "http://127.0.0.1:8010/v1"
    visual_url: str = "http://127.0.0.1:8010/v1"
    provider_api_key: str = ""
    control_token: str = ""
    """Without it the mocks take no orders, so that no fault meets a call."""
    log_level: str = "INFO"
    worker_name: str = ""
    """How a worker calls itself in the ledger; empty: host and process id."""
    retention: PositiveFloat = 24 * 3600.0
    """Seconds for which a job, its video and its idempotency key are kept."""
    redis_timeout: PositiveFloat = 2.0
