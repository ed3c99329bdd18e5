"""Names in Redis. The Lua scripts hold the same names in `lua/prelude.lua`; a test compares them."""

PREFIX = "t2v:"
QUEUE = PREFIX + "queue"
"""arq's queue: a sorted set of waiting job ids, scored by the millisecond at which they are due."""
SUSPECTS = PREFIX + "suspects"
"""Likewise, of waiting jobs that may have killed their workers: each worker runs few at a time."""
LEASES = PREFIX + "leases"
"""Running job ids, scored by the millisecond at which their lease ends."""
JOBS = PREFIX + "jobs"
"""Every job id, in lexicographical order, which is the order of creation; `JOBS:<status>` holds those in one state."""
TOTALS = PREFIX + "totals"
WAKE = PREFIX + "wake"
"""One token per accepted job, up to a cap: an idle worker blocks on it instead of polling."""
EVENTS = PREFIX + "events"
"""Channel on which each change of a job is published as JSON."""
CANCELS = PREFIX + "cancels"
"""Channel on which the ids of running jobs that are to be cancelled are published."""
PULSE = PREFIX + "pulse"
"""The millisecond at which a worker was last heard of, whichever."""
BREAKERS = PREFIX + "breakers"
"""Channel on which workers tell each other what their circuit breakers have learnt; nothing depends on hearing it."""
BEGUN = PREFIX + "begun"
"""When the ledger accepted its first job: another value later on means that Redis has lost its data."""
SWEEP = PREFIX + "sweep"
"""Stands while no further sweep for leftovers is due."""
READY = PREFIX + "ready"
"""Written to see whether Redis takes writes."""
RUN = PREFIX + "run"
"""The one run that a stack may have, with its phase; expires when its owner stops renewing it."""
VERDICTS = PREFIX + "verdicts"
"""By verdict, the Unix time at which a run last ended with it."""

CACHE = PREFIX + "cache:"
"""Before the names of entries, in the cache's own Redis; what follows is the request they answer, as a hash."""
CACHE_LOCK = PREFIX + "cache-lock:"
"""Likewise, of the worker that is making the call for an entry; expires by itself."""


def job(job_id: str) -> str:
    return f"{PREFIX}job:{job_id}"


def claim(token_prefix: str) -> str:
    """What one claim handed out, for as long as its answer may have been lost."""
    return f"{PREFIX}claim:{token_prefix}"


def breaker_probe(provider: str) -> str:
    """Held by the worker whose turn it is to try a provider that failed; expires by itself."""
    return f"{PREFIX}breaker:{provider}:probe"


def idempotency(key_hash: str) -> str:
    return f"{PREFIX}idempotency:{key_hash}"
