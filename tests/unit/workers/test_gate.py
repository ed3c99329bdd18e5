"""Breakers of two workers that share a real Redis, and one whose Redis is away."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from time import perf_counter

import pytest
from prometheus_client import CollectorRegistry
from redis.asyncio import Redis

from contract import keys
from contract.calls import BreakerState, Provider, Verdict
from contract.catalogue import WorkerMetrics
from contract.settings import BreakerTerms
from tests.unit import sockets
from tests.unit.workers.benches import until
from workers.providers.errors import RejectedError
from workers.resilience import hints
from workers.resilience.gate import Gate, open_gates

TERMS = BreakerTerms(open_for=0.05, probe_every=0.2)
OPEN, CLOSED = BreakerState.OPEN, BreakerState.CLOSED


class Bench:
    """One worker's gate for narrations, and what it counts."""

    def __init__(self, gate: Gate, registry: CollectorRegistry) -> None:
        self.gate = gate
        self._registry = registry

    @property
    def state(self) -> BreakerState:
        return self.gate.breaker.state

    def metric(self, name: str, **labels: str) -> float | None:
        return self._registry.get_sample_value(f"t2v_breaker_{name}", {"provider": "tts"} | labels)

    async def passes(self, verdict: Verdict) -> bool:
        try:
            self.gate.leave(await self.gate.enter(), verdict)
        except RejectedError:
            return False
        return True

    async def open(self) -> None:
        for _ in range(20):
            await self.passes(Verdict.BAD)
        assert self.state is OPEN

    async def open_time_passes(self) -> None:
        await until(lambda: self.gate.breaker.wait == 0)


Start = Callable[[str], Awaitable[Bench]]


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    async with AsyncExitStack() as stack:

        async def start(url: str) -> Bench:
            registry = CollectorRegistry()
            gates = await stack.enter_async_context(open_gates(url, 2.0, TERMS, WorkerMetrics(registry)))
            return Bench(gates[Provider.TTS], registry)

        yield start


@pytest.fixture
async def pair(redis: Redis, redis_url: str, start: Start) -> list[Bench]:
    """Two workers that hear each other."""
    benches = [await start(redis_url), await start(redis_url)]
    async with asyncio.timeout(5):
        while dict(await redis.pubsub_numsub(keys.BREAKERS)) != {keys.BREAKERS: 2}:  # noqa: ASYNC110 - Redis knows
            await asyncio.sleep(0.005)
    return benches


async def test_what_one_worker_learns_spares_the_other_from_finding_out(pair: list[Bench]) -> None:
    knowing, told = pair
    await knowing.open()
    await until(lambda: told.state is OPEN)
    assert not await told.passes(Verdict.GOOD)
    for bench in pair:
        assert bench.metric("transitions_total", state="open") == 1, "what is told is not told on"
        assert (bench.metric("state", state="open"), bench.metric("state", state="closed")) == (1, 0)
    assert (knowing.metric("rejected_total"), told.metric("rejected_total")) == (0, 1)


async def test_each_change_of_a_breaker_tells_when_it_was(pair: list[Bench]) -> None:
    """In every worker, of the state that it went into, and of no other; a later change moves it."""
    began = time.time()
    await pair[0].open()
    await until(lambda: pair[1].state is OPEN)
    opened = [bench.metric("changed_timestamp_seconds", state="open") for bench in pair]
    assert all(when is not None and began <= when <= time.time() for when in opened)
    assert [bench.metric("changed_timestamp_seconds", state="closed") for bench in pair] == [0, 0]
    await pair[0].open_time_passes()
    assert await pair[0].passes(Verdict.BAD)
    assert (pair[0].metric("changed_timestamp_seconds", state="half_open") or 0) > (opened[0] or 0)
    again = pair[0].metric("changed_timestamp_seconds", state="open")
    assert again is not None
    assert again > (opened[0] or 0)


async def test_two_workers_share_three_probes_one_per_interval(pair: list[Bench]) -> None:
    await pair[0].open()
    await until(lambda: pair[1].state is OPEN)
    await asyncio.gather(*(bench.open_time_passes() for bench in pair))
    began, probes = perf_counter(), 0
    while CLOSED not in {bench.state for bench in pair}:
        probes += sum(await asyncio.gather(*(bench.passes(Verdict.GOOD) for bench in pair)))
        await asyncio.sleep(0.005)
    assert probes == 3
    assert perf_counter() - began > 2 * TERMS.probe_every * 0.95
    await until(lambda: {bench.state for bench in pair} == {CLOSED})
    assert sum(bench.metric("probes_total", result="good") or 0 for bench in pair) == 3


async def test_a_cancelled_probe_gives_the_turn_of_all_workers_back(pair: list[Bench], redis: Redis) -> None:
    bench = pair[0]
    await bench.open()
    await bench.open_time_passes()
    permit = await bench.gate.enter()
    assert permit.probe
    assert not await bench.passes(Verdict.GOOD)
    assert await redis.persist(keys.breaker_probe(Provider.TTS)), "from here on it does not end by itself"
    bench.gate.leave(permit, Verdict.NEUTRAL)
    async with asyncio.timeout(5):
        while await redis.exists(keys.breaker_probe(Provider.TTS)):  # noqa: ASYNC110 - the state is in Redis
            await asyncio.sleep(0.005)
    assert await bench.passes(Verdict.GOOD)
    assert bench.metric("probes_total", result="neutral") == 1


async def test_rubbish_on_the_channel_is_passed_over(pair: list[Bench], redis: Redis) -> None:
    for rubbish in ("", "{}", "[1]", '["a", "tts", "exploded"]', '["a", "radio", "opened"]'):
        await redis.publish(keys.BREAKERS, rubbish)
    await pair[0].open()
    await until(lambda: pair[1].state is OPEN)


@pytest.mark.parametrize("trouble", ["hangs", "is away"])
async def test_without_redis_a_worker_decides_for_itself_and_does_not_wait(
    redis_url: str, start: Start, trouble: str
) -> None:
    async with sockets.Gate(redis_url) as way:
        bench = await start(way.url)
        if trouble == "hangs":
            way.hang()
        else:
            await way.close()
        await bench.open()
        for _ in range(3):
            await bench.open_time_passes()
            began = perf_counter()
            assert await bench.passes(Verdict.GOOD)
            assert perf_counter() - began < hints.PATIENCE + 0.1
            assert bench.state is CLOSED or not await bench.passes(Verdict.GOOD), "one probe per interval"
        assert bench.state is CLOSED
        way.open()


async def test_cancelled_while_it_asks_whose_turn_it_is_an_attempt_takes_no_turn(redis_url: str, start: Start) -> None:
    async with sockets.Gate(redis_url) as way:
        bench = await start(way.url)
        await bench.open()
        await bench.open_time_passes()
        way.hang()
        attempt = asyncio.create_task(bench.gate.enter())
        await asyncio.sleep(0.01)
        attempt.cancel()
        await asyncio.wait([attempt])
        assert attempt.cancelled()
        assert bench.gate.breaker.wait == 0
        way.open()
