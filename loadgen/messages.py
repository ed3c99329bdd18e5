"""What the process that leads a run and its generators tell each other, as JSON lines where they are apart."""

from pydantic import BaseModel, ConfigDict

from contract.catalogue import Phase
from contract.runfolder import JobRecord, RequestRecord
from loadgen.cancellations import Cancellations
from loadgen.repeats import Repeats
from loadgen.scenario import Load
from loadgen.share import Share

LONGEST_LINE = 64 * 2**20
"""Bytes; a setup holds the document."""


class Setup(BaseModel):
    """What a generator is told once. `clock_offset` gives all generators of a run the same clock."""

    model_config = ConfigDict(frozen=True, ser_json_bytes="base64", val_json_bytes="base64")

    api_url: str
    seed: int
    run_id: str = ""
    metrics_host: str = "127.0.0.1"
    patience: float = 0.0
    """Seconds for which requests are sent again while the service is away."""
    cancel: Cancellations | None = None
    repeats: Repeats | None = None
    share: Share
    clock_offset: float
    document_name: str
    document: bytes


class Work(BaseModel):
    """A load of which all generators of a run begin their share at `start`, by their common clock."""

    model_config = ConfigDict(frozen=True)

    load: Load
    phase: Phase
    start: float
    video: str = ""
    """A job to ask about, for probes."""


class Said(BaseModel):
    """One of these: where the metrics are, a record, or the end of a work with the share of a core that it took."""

    metrics_port: int | None = None
    job: JobRecord | None = None
    request: RequestRecord | None = None
    busy: float | None = None


def line(message: BaseModel) -> bytes:
    return message.model_dump_json(exclude_defaults=True).encode() + b"\n"
