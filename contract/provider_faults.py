"""Faults of the mocked providers: what a run asks for, and what a mock notes of each call meanwhile."""

from enum import StrEnum
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from contract.calls import CallResult, Provider


class FaultKind(StrEnum):
    ERROR = "error"
    """A status instead of an answer, 503 unless another is given."""
    RATE_LIMIT = "rate_limit"
    """429 with Retry-After."""
    LATENCY = "latency"
    """The planned latency times a factor."""
    HANG = "hang"
    """No answer at all; the connection stays open until the client gives up."""
    TRUNCATE = "truncate"
    """The first half of the answer, as if it were all."""
    CORRUPT = "corrupt"
    """An answer of the right length with wrong bytes in it."""
    OUTAGE = "outage"
    """The connection is cut without an answer."""


_RESULTS = {
    FaultKind.ERROR: {CallResult.STATUS, CallResult.RATE_LIMITED},
    FaultKind.RATE_LIMIT: {CallResult.RATE_LIMITED},
    FaultKind.LATENCY: {CallResult.OK, CallResult.TIMEOUT, CallResult.OUT_OF_TIME},
    FaultKind.HANG: {CallResult.TIMEOUT, CallResult.OUT_OF_TIME},
    FaultKind.TRUNCATE: {CallResult.BAD_PAYLOAD},
    FaultKind.CORRUPT: {CallResult.BAD_PAYLOAD},
    FaultKind.OUTAGE: {CallResult.DISCONNECTED},
}


class ProviderFault(BaseModel):
    """Meets each call with probability `rate`, decided by the call's key. Seconds from just before the measured load
    begins; without `duration` until its end.

    One that is `persistent` meets all attempts of a scene or none; `scenes` names the only scenes that it may meet.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    provider: Provider
    kind: FaultKind
    rate: float = Field(default=1.0, gt=0, le=1)
    at: float = Field(default=0.0, ge=0, lt=3600)
    duration: float | None = Field(default=None, gt=0, le=3600)
    persistent: bool = False
    scenes: tuple[int, ...] = ()
    status: int = Field(default=503, ge=400, le=599)
    retry_after: float = Field(default=0.5, ge=0, le=60, description="seconds that a rate limit asks to wait")
    factor: float = Field(default=10.0, gt=1, le=1000, description="by which a latency is longer")

    @model_validator(mode="after")
    def uses_what_it_says(self) -> Self:
        for name, kind in _OPTIONS.items():
            if self.kind is not kind and getattr(self, name) != type(self).model_fields[name].default:
                raise ValueError(f"`{name}` belongs to the kind {kind}")
        return self


_OPTIONS = {"status": FaultKind.ERROR, "retry_after": FaultKind.RATE_LIMIT, "factor": FaultKind.LATENCY}


class FaultPlan(BaseModel):
    """What the mocks are told for one run: its faults, and the Unix time from which the faults' clock runs."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    run: str = Field(pattern=r"^[A-Za-z0-9._-]{1,120}$")
    start: float
    faults: tuple[ProviderFault, ...]


class CallNote(BaseModel):
    """A call as the mock met it, written down before anything is answered. `key` as `CallKey` encodes it."""

    key: str
    provider: Provider
    at: float = Field(description="Unix time at which it arrived whole")
    fault: FaultKind | None = None
    number: int | None = Field(default=None, description="of the fault within the plan, from 0")


class Answered(StrEnum):
    """What became of the answer to a call that met a fault."""

    SENT = "sent"
    CUT = "cut"
    """The connection was cut, as the fault wants it."""
    LEFT = "left"
    """The client gave up before."""


class FaultNote(BaseModel):
    """How the mock ended a call that met a fault."""

    key: str
    provider: Provider
    answered: Answered
    at: float


class FaultedCall(BaseModel):
    """A line of `faults.jsonl`: a call that met a fault, and what became of it; None where the mock never said."""

    key: str
    provider: Provider
    kind: FaultKind
    number: int
    at: float
    answered: Answered | None = None
    ended: float | None = None

    def explains(self, result: CallResult) -> bool:
        """Whether a worker that made this call may have seen this, as far as nobody cancelled it."""
        if self.answered is Answered.LEFT:
            return result in {CallResult.TIMEOUT, CallResult.OUT_OF_TIME}
        return result in _RESULTS[self.kind]
