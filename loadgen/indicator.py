"""What targets may judge."""

from enum import StrEnum


class Indicator(StrEnum):
    """Each has one definition, which the reporter computes."""

    RESPONSE_P95 = "response_p95"
    SUCCESS_RATE = "success_rate"
    THROUGHPUT = "throughput"
    API_P95 = "api_p95"
    REQUEST_SUCCESS_RATE = "request_success_rate"
    SUSTAINED_RATE = "sustained_rate"
    INTEGRITY = "integrity"
    PARSE_P95 = "parse_p95"
    LLM_P95 = "llm_p95"
    TTS_P95 = "tts_p95"
    VISUAL_P95 = "visual_p95"
    ASSEMBLE_P95 = "assemble_p95"
    RESTART_MAX = "restart_max"
    REFUSAL_MAX = "refusal_max"
    DRAIN_TIME = "drain_time"
    LOSS_AGE = "loss_age"
    CRASHES = "crashes"
    QUARANTINED = "quarantined"
    LATE_ENDS = "late_ends"
    CALL_RECOVERY = "call_recovery"
    JOB_RECOVERY = "job_recovery"
    DELIVERED_RATE = "delivered_rate"
    PARTIAL_JOBS = "partial_jobs"
    RETRY_AMPLIFICATION = "retry_amplification"
    BREAKER_OPENED = "breaker_opened"
    BREAKER_CLOSED = "breaker_closed"
    DETECT_TIME = "detect_time"
    CLOSE_TIME = "close_time"
    MTTR = "mttr"
    SUCCESS_AFTER = "success_after"
    CANCEL_MAX = "cancel_max"
    CANCELLED_LATE_CALLS = "cancelled_late_calls"
    CANCEL_LEFTOVERS = "cancel_leftovers"
    CANCELS_IGNORED = "cancels_ignored"
    CACHE_HIT_RATE = "cache_hit_rate"
    LEAK = "leak"
    MEMORY_PER_JOB = "memory_per_job"
    CPU_UTILISATION = "cpu_utilisation"
    COLLECTING_COST = "collecting_cost"

    @property
    def unit(self) -> str:
        if self in (Indicator.THROUGHPUT, Indicator.SUSTAINED_RATE):
            return "jobs/s"
        if self is Indicator.MEMORY_PER_JOB:
            return "bytes"
        if self in _SECONDS or self.endswith("_p95"):
            return "s"
        return "" if self in _PLAIN else "ratio"


_PLAIN = frozenset(
    {
        *(Indicator.CRASHES, Indicator.QUARANTINED, Indicator.LATE_ENDS, Indicator.PARTIAL_JOBS),
        *(Indicator.BREAKER_OPENED, Indicator.BREAKER_CLOSED),
        *(Indicator.CANCELLED_LATE_CALLS, Indicator.CANCEL_LEFTOVERS, Indicator.CANCELS_IGNORED),
        Indicator.RETRY_AMPLIFICATION,
    }
)
"""Counts, and what is no share of anything."""
_SECONDS = frozenset(
    {
        *(Indicator.RESTART_MAX, Indicator.REFUSAL_MAX, Indicator.DRAIN_TIME, Indicator.LOSS_AGE),
        *(Indicator.DETECT_TIME, Indicator.CLOSE_TIME, Indicator.MTTR, Indicator.CANCEL_MAX),
    }
)
