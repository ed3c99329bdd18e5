"""What a provider call passes on its way out: its provider's circuit breaker, counted and shared."""

import asyncio
import contextlib
import functools
from collections.abc import AsyncIterator, Mapping

from redis.asyncio.lock import Lock

from contract.calls import BreakerState, Provider, Verdict
from contract.catalogue import WorkerMetrics
from contract.connections import connect, connect_blocking
from contract.settings import BreakerTerms
from workers.providers.errors import RejectedError
from workers.resilience.breaker import Breaker, Permit
from workers.resilience.hints import Hints


class Gate:
    """One provider's, in one worker."""

    def __init__(
        self, provider: Provider, terms: BreakerTerms, metrics: WorkerMetrics, hints: Hints | None = None
    ) -> None:
        """Without `hints` it shares nothing."""
        self.provider = provider
        self.breaker = Breaker(terms, functools.partial(_count_change, provider, metrics))
        self._metrics = metrics
        self._hints = hints
        self._turns: dict[Permit, Lock] = {}

    async def enter(self) -> Permit:
        """Waits for nothing while the breaker is closed. Raises RejectedError when no call may be made now."""
        permit = self.breaker.admit()
        if permit is None or (permit.probe and not await self._is_our_turn(permit)):
            self._metrics.rejected.labels(self.provider).inc()
            raise RejectedError(self.provider, self.breaker.wait)
        return permit

    def leave(self, permit: Permit, verdict: Verdict) -> None:
        """Owed for every permit that `enter` gave."""
        if permit.probe:
            self._metrics.probes.labels(self.provider, verdict).inc()
            self._end_turn(permit, verdict)
        news = self.breaker.record(permit, verdict)
        if news is not None and self._hints:
            self._hints.tell(self.provider, news)

    async def _is_our_turn(self, permit: Permit) -> bool:
        if self._hints is None:
            return True
        try:
            turn = await self._hints.take_turn(self.provider)
        except asyncio.CancelledError:
            self.breaker.record(permit, Verdict.NEUTRAL)
            raise
        if turn is not None:
            self._turns[permit] = turn
        return turn is not None

    def _end_turn(self, permit: Permit, verdict: Verdict) -> None:
        turn = self._turns.pop(permit, None)
        if turn is not None and verdict is Verdict.NEUTRAL and self._hints:
            self._hints.give_back(turn)


def _count_change(provider: Provider, metrics: WorkerMetrics, state: BreakerState) -> None:
    for candidate in BreakerState:
        metrics.breaker_state.labels(provider, candidate).set(candidate is state)
    metrics.breaker_transitions.labels(provider, state).inc()
    metrics.breaker_changed.labels(provider, state).set_to_current_time()


@contextlib.asynccontextmanager
async def open_gates(
    redis_url: str, bound: float, terms: BreakerTerms, metrics: WorkerMetrics
) -> AsyncIterator[Mapping[Provider, Gate]]:
    """Gates that share what they learn with those of other workers; `bound` in seconds as for `connect`."""
    async with connect(redis_url, bound) as redis, connect_blocking(redis_url, 0, bound) as subscriber:
        hints = Hints(redis, terms.probe_every)
        gates = {provider: Gate(provider, terms, metrics, hints) for provider in Provider}
        async with hints.listening(subscriber, bound, lambda provider, news: gates[provider].breaker.hear(news)):
            yield gates
