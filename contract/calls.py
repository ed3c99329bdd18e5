"""How a provider call names itself, so that a mock can decide its latency and fate without shared state.

The name travels in a header that a real provider ignores.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

CALL_HEADER = "X-Reelbench-Call"
PLANNED_HEADER = "X-Reelbench-Planned-Seconds"

SEED_KEY_PATTERN = r"^[A-Za-z0-9._:/-]{1,80}$"


class Provider(StrEnum):
    LLM = "llm"
    TTS = "tts"
    VISUAL = "visual"


class UsageUnit(StrEnum):
    """What providers bill by."""

    INPUT_TOKENS = "input_tokens"
    OUTPUT_TOKENS = "output_tokens"
    CHARACTERS = "characters"
    IMAGES = "images"


Usage = Mapping[UsageUnit, int]

BILLED: Mapping[Provider, tuple[UsageUnit, ...]] = {
    Provider.LLM: (UsageUnit.INPUT_TOKENS, UsageUnit.OUTPUT_TOKENS),
    Provider.TTS: (UsageUnit.CHARACTERS,),
    Provider.VISUAL: (UsageUnit.IMAGES,),
}


class CallResult(StrEnum):
    """How a provider call ended."""

    OK = "ok"
    TIMEOUT = "timeout"
    REFUSED = "refused"
    DISCONNECTED = "disconnected"
    STATUS = "status"
    RATE_LIMITED = "rate_limited"
    BAD_PAYLOAD = "bad_payload"
    OUT_OF_TIME = "out_of_time"
    """Its job's own time was over: an end that says nothing of the provider."""
    CANCELLED = "cancelled"


class CacheResult(StrEnum):
    """What a lookup in the cache came to; all but the first two lead to a call."""

    HIT = "hit"
    COALESCED = "coalesced"
    """Another job's call for the same request was under way, and its answer was shared."""
    MISS = "miss"
    ABANDONED = "abandoned"
    """Another job's call for the same request was waited for, and gave nothing in time."""
    DOWN = "down"
    """The cache did not answer, or had not just before."""
    SLOW = "slow"
    """Likewise, in its time."""
    CORRUPT = "corrupt"
    """What the cache held was not what was once stored."""

    @property
    def saves_call(self) -> bool:
        return self in CACHE_HITS


CACHE_HITS = (CacheResult.HIT, CacheResult.COALESCED)


class CacheStore(StrEnum):
    """What became of an answer that was to be kept."""

    STORED = "stored"
    FAILED = "failed"
    """The cache did not take it."""
    DROPPED = "dropped"
    """Too many waited to be stored."""


RETRY_REASONS = (
    CallResult.TIMEOUT,
    CallResult.REFUSED,
    CallResult.DISCONNECTED,
    CallResult.STATUS,
    CallResult.RATE_LIMITED,
    CallResult.BAD_PAYLOAD,
)
"""Results after which another attempt may be made; of the statuses, only those that another attempt may cure."""


ANSWERED_WHOLE = (CallResult.OK, CallResult.BAD_PAYLOAD)
"""Results of calls that were answered as asked, which a provider bills even where the answer is of no use."""


class WaitCause(StrEnum):
    """Why a provider call waits before it is attempted again."""

    BACKOFF = "backoff"
    RETRY_AFTER = "retry_after"
    BREAKER = "breaker"


class Verdict(StrEnum):
    """What a call says about its provider. A cancelled one says nothing."""

    GOOD = "good"
    BAD = "bad"
    NEUTRAL = "neutral"


class BreakerState(StrEnum):
    """Closed lets every call pass, open none, half-open a probe now and then."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass(frozen=True, slots=True)
class CallKey:
    """One attempt of one provider call. `seed_key` holds no space; scene 0 is the whole job."""

    seed_key: str
    scene: int
    execution: int
    attempt: int

    def encode(self) -> str:
        return f"{self.seed_key} {self.scene} {self.execution} {self.attempt}"

    @classmethod
    def decode(cls, header: str) -> Self:
        """Raises ValueError on anything that `encode` did not write."""
        seed_key, scene, execution, attempt = header.split(" ")
        key = cls(seed_key, int(scene), int(execution), int(attempt))
        if key.encode() != header:  # int() takes more spellings than one
            raise ValueError(f"not a call key: {header!r}")
        return key
