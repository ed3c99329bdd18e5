"""What the figures of the cache suggest doing. Each sentence holds the figure that it was derived from."""

from collections.abc import Iterator

from contract.calls import CACHE_HITS, CacheResult
from reporter.caching import audit_of, counted
from reporter.markdown import figure, percent
from reporter.runs import Run

ENOUGH = 0.95
"""Share of the achievable hits, from which on there is nothing to advise."""
UNUSABLE = 0.01
"""Share of lookups in which the cache was of no use."""
FULL = 0.9
"""Share of its memory."""

RULES = (
    f"fewer than {percent(ENOUGH, 0)} of the achievable hits; more than {percent(UNUSABLE, 0)} of the lookups "
    f"met a cache that was down, slow or corrupt; entries forgotten, or over {percent(FULL, 0)} of its memory used; "
    "calls saved"
)


def cache_recommendations(run: Run) -> Iterator[str]:
    """Of the scenario `cache`."""
    audit = audit_of(run.measured)
    hits, achievable = sum(one.hits for one in audit.values()), sum(one.achievable for one in audit.values())
    lookups = counted(run, *CacheResult)
    if achievable and hits < ENOUGH * achievable:
        yield (
            f"{hits} of {achievable} achievable hits were had in `{run.info.scenario}` ({percent(hits / achievable)}): "
            "look at the misses by reason, and at entries that were forgotten."
        )
    unusable = counted(run, CacheResult.DOWN, CacheResult.SLOW, CacheResult.CORRUPT)
    if lookups and unusable and unusable > UNUSABLE * lookups:
        yield (
            f"The cache was of no use in {unusable} of {lookups} lookups ({percent(unusable / lookups)}): each was a "
            "call that might have been saved. Look at its Redis."
        )
    yield from _memory(run)
    if saved := _saved(run):
        yield saved


def _memory(run: Run) -> Iterator[str]:
    evicted, used, limit = (run.answers.value(f"cache.{name}") for name in ("evicted", "memory", "limit"))
    if evicted:
        yield f"The cache forgot {figure(evicted)} entries to make room: raise `cache_bytes` ({figure(limit)})."
    elif used and limit and used > FULL * limit:
        yield f"The cache used {percent(used / limit)} of its memory: soon it forgets entries. Raise `cache_bytes`."


def _saved(run: Run) -> str | None:
    seconds = run.answers.total("cache.saved")
    hits, lookups = counted(run, *CACHE_HITS), counted(run, *CacheResult)
    if seconds is None or not hits:
        return None
    return (
        f"The cache saved {hits} of {lookups} calls and {seconds:.1f} s of waiting for providers in "
        f"`{run.info.scenario}`: keep it on where inputs come again."
    )
