"""How long an answer takes, decided by what the call is and not by when it came."""

import asyncio
import math
from hashlib import blake2b
from statistics import NormalDist
from time import perf_counter

from contract.calls import CallKey, Provider
from contract.settings import LatencyProfile
from mocks import keyed

_NORMAL = NormalDist()


class LogNormal:
    """Quantiles of the log-normal distribution with the mean and standard deviation of `profile`.

    sigma² = ln(1 + sd²/mean²), mu = ln(mean) - sigma²/2: the method of moments.
    """

    def __init__(self, profile: LatencyProfile) -> None:
        variance = math.log1p((profile.sd / profile.mean) ** 2)
        self._mu = math.log(profile.mean) - variance / 2
        self._sigma = math.sqrt(variance)

    def quantile(self, probability: float) -> float:
        """Seconds; `probability` lies in the open interval (0, 1)."""
        return math.exp(self._mu + self._sigma * _NORMAL.inv_cdf(probability))


def uniform(provider: Provider, name: str) -> float:
    """A number in the open interval (0, 1) that depends on nothing but its arguments."""
    return keyed.uniform(f"latency {provider} {name}")


def call_name(header: str | None, body: bytes) -> str:
    """What the call's fate hangs on: its key, or where it has none, as with a foreign client, its content.

    Raises ValueError if the header is not a call key.
    """
    if header is None:
        return blake2b(body, digest_size=16).hexdigest()
    return CallKey.decode(header).encode()


async def hold_until(deadline: float) -> None:
    """Returns at `deadline` (on perf_counter's clock) or shortly after it, never before.

    uvloop's timers tick in whole milliseconds and may fire up to 1.5 ms early, so the wait goes on until the deadline
    has passed. That leaves an answer up to about a millisecond late; waiting for the rest by yielding
    would burn the CPU that the service under test needs.
    """
    while (remaining := deadline - perf_counter()) > 0:  # noqa: ASYNC110 - it waits for the clock, no event would tell
        await asyncio.sleep(max(remaining, 0.001))
