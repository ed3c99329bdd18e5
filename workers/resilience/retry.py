"""Repeating a provider call that failed, as long as that may help and the job has the time."""

import asyncio
import math
import random
import time
from collections.abc import Awaitable, Callable
from email.utils import parsedate_to_datetime
from typing import Generic, TypeVar

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception

from contract.calls import CallResult, Provider, WaitCause
from contract.catalogue import WorkerMetrics
from workers.providers.errors import CallError, ProviderError, RejectedError

Answer = TypeVar("Answer")
Attempt = Callable[[int, CallResult | None], Awaitable[Answer]]
"""Makes one call, given its number from 1 on and how the one before it failed."""
Waited = Callable[[WaitCause, float, float], None]
"""Is told of a wait that is over: why it was, its start in Unix time, and the seconds that it took."""

_SPREAD = 0.5
"""Share of its wait by which a refused attempt may come later, so that those refused together do not come together."""


class Retries:
    """For the calls of one provider."""

    def __init__(self, provider: Provider, attempts: int, first_backoff: float, metrics: WorkerMetrics) -> None:
        """Waits lie between 0 and `first_backoff` seconds before the second attempt; the upper end doubles."""
        self._provider = provider
        self._attempts = attempts
        self._first_backoff = first_backoff
        self._metrics = metrics

    async def run(self, attempt: Attempt[Answer], deadline: float, waited: Waited) -> Answer:
        """The first good answer. No wait begins that would end after `deadline`, a time of the loop's clock.

        Raises the last attempt's ProviderError. An attempt that was refused by a breaker was none: it is put off.
        """
        try:
            return await attempt(1, None)  # without tenacity, which costs a good call 90 µs
        except ProviderError as failure:
            course = _Course(attempt, failure)
        retrying = AsyncRetrying(
            retry=retry_if_exception(_may_help),
            wait=lambda state: self._wait(course, _failure(state)),
            stop=lambda state: course.made >= self._attempts or _now() + state.upcoming_sleep > deadline,
            sleep=lambda seconds: self._sleep(seconds, course.cause, waited),
            reraise=True,
        )
        return await retrying(course.step)

    def _wait(self, course: "_Course[Answer]", failure: ProviderError) -> float:
        if isinstance(failure, RejectedError):
            return failure.wait * random.uniform(1, 1 + _SPREAD)  # noqa: S311 - no secret
        backoff = random.uniform(0, self._first_backoff * 2 ** (course.made - 1))  # noqa: S311 - no secret
        return backoff + ((failure.retry_after or 0) if isinstance(failure, CallError) else 0)

    async def _sleep(self, seconds: float, cause: WaitCause, waited: Waited) -> None:
        self._metrics.retry_wait.labels(self._provider, cause).inc(seconds)
        start, began = time.time(), time.perf_counter()
        try:
            await asyncio.sleep(seconds)
        finally:
            waited(cause, start, time.perf_counter() - began)


class _Course(Generic[Answer]):
    """One call from its first failure on."""

    def __init__(self, attempt: Attempt[Answer], first: ProviderError) -> None:
        self._attempt = attempt
        self._first: ProviderError | None = first
        self._last: CallResult | None = None
        self.made = 0
        """Calls made; a refused attempt is none."""
        self.cause: WaitCause
        """Why the next attempt is waited for."""
        self._note(first)

    async def step(self) -> Answer:
        """The next attempt; at first, the failure that is known already."""
        if self._first is not None:
            first, self._first = self._first, None
            raise first
        try:
            return await self._attempt(self.made + 1, self._last)
        except ProviderError as failure:
            self._note(failure)
            raise

    def _note(self, failure: ProviderError) -> None:
        self.cause = _cause(failure)
        if isinstance(failure, CallError):
            self.made += 1
            self._last = failure.result


def _may_help(failure: BaseException) -> bool:
    return isinstance(failure, ProviderError) and failure.again


def _failure(state: RetryCallState) -> ProviderError:
    assert state.outcome
    failure = state.outcome.exception()
    assert isinstance(failure, ProviderError)
    return failure


def _cause(failure: ProviderError) -> WaitCause:
    if isinstance(failure, RejectedError):
        return WaitCause.BREAKER
    asked = isinstance(failure, CallError) and failure.retry_after is not None
    return WaitCause.RETRY_AFTER if asked else WaitCause.BACKOFF


def _now() -> float:
    return asyncio.get_running_loop().time()


def retry_after(header: str | None) -> float | None:
    """Seconds that a Retry-After header asks to wait (RFC 9110, 10.2.3: seconds or a date); None when it says nothing.

    Fractions of a second, which the standard does not know, are understood.
    """
    if not header:
        return None
    try:
        seconds = float(header)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(header).timestamp() - time.time()
        except ValueError:
            return None
    return None if math.isnan(seconds) else max(0.0, seconds)
