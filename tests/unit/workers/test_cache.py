"""What providers answered is used again, once asked for at a time; a cache of no use is a miss and never an error."""

import asyncio
import functools
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import pytest
from prometheus_client import CollectorRegistry
from redis.asyncio import Redis

from contract import keys
from contract.calls import CallKey, Provider
from contract.catalogue import WorkerMetrics
from contract.jobs import CallTiming, Voice
from contract.settings import Workload
from stack.parts import cache_store
from tests.redis_servers import running_redis
from tests.unit.full_redis import without_memory
from tests.unit.sockets import Gate
from tests.unit.workers.caches import PATIENCE, TOOK, Call, Worker, caching
from tests.unit.workers.rendering import CALLS, Bench
from workers.cache import link
from workers.cache.cache import Cache, open_cache, request_name
from workers.cache.entry import Entry, pack, unpack
from workers.cache.link import BOUND, REST
from workers.providers import tts
from workers.providers.connections import session
from workers.providers.errors import RejectedError
from workers.providers.http import CallContext, Caller
from workers.resilience.gate import Gate as ProviderGate

MOST_BYTES = 8 * 2**20
ENTRY = keys.CACHE + "request"


@pytest.fixture(scope="module")
async def cache_server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """A small one, set up as the stack's."""
    small = functools.partial(cache_store, most_bytes=MOST_BYTES)
    async with running_redis(small, tmp_path_factory.mktemp("cache")) as (part, _):
        yield part.url


@pytest.fixture
async def redis(cache_server: str) -> AsyncIterator[Redis]:
    """What the workers of a test share; empty at first."""
    async with Redis.from_url(cache_server) as client:
        await client.flushall()
        yield client


@pytest.fixture
async def url(cache_server: str, redis: Redis) -> str:
    assert await redis.dbsize() == 0
    return cache_server


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache that a busy machine holds up counts as slow, which is another test's matter."""
    monkeypatch.setattr(link, "BOUND", 5.0)


@pytest.fixture
async def worker(url: str, patient: None) -> AsyncIterator[Worker]:  # noqa: ARG001 - in force before it
    async with caching(url) as one:
        yield one


@pytest.fixture
async def other(url: str, patient: None) -> AsyncIterator[Worker]:  # noqa: ARG001 - as above
    async with caching(url) as one:
        yield one


async def test_what_one_job_asked_for_is_a_hit_for_the_next_of_any_worker(worker: Worker, other: Worker) -> None:
    call = Call()
    assert await worker.fetch(call) == "answer"
    await worker.settled()
    assert [await one.fetch(call) for one in (worker, other)] == ["answer"] * 2
    assert call.made == 1
    assert (worker.counted(), other.counted()) == ({"miss": 1, "hit": 1}, {"hit": 1})
    assert worker.metric("t2v_cache_stores_total", result="stored") == 1
    assert worker.metric("t2v_cache_payload_bytes_total", direction="sent") == len(b"answer")
    assert other.metric("t2v_cache_payload_bytes_total", direction="received") == len(b"answer")
    assert other.metric("t2v_cache_saved_seconds_total") == TOOK == other.log[0].saved
    assert worker.log[0].saved == 0


def test_an_entry_comes_back_as_it_was_packed() -> None:
    assert unpack(pack(Entry(b"\x00 payload", 0.125))) == Entry(b"\x00 payload", 0.125)


SOUND = pack(Entry(b"answer", TOOK))


@pytest.mark.parametrize(
    "stored",
    [
        pytest.param(b"", id="empty"),
        pytest.param(SOUND[:-1], id="cut"),
        pytest.param(SOUND[:5], id="cut within its front"),
        pytest.param(SOUND[:-1] + bytes([SOUND[-1] ^ 1]), id="a bit of the payload is another"),
        pytest.param(SOUND[:4] + bytes([SOUND[4] ^ 1]) + SOUND[5:], id="a bit of the seconds is another"),
        pytest.param(b"what somebody else keeps here", id="foreign"),
        pytest.param(pack(Entry(b"nonsense", TOOK)), id="as stored, and no answer"),
    ],
)
async def test_a_corrupt_entry_is_a_miss_and_is_mended(worker: Worker, redis: Redis, stored: bytes) -> None:
    await redis.set(ENTRY, stored)
    call = Call()
    assert await worker.fetch(call) == "answer"
    await worker.settled()
    assert await redis.get(ENTRY) == SOUND
    assert await worker.fetch(call) == "answer"
    assert call.made == 1
    assert worker.counted() == {"corrupt": 1, "hit": 1}
    assert worker.metric("t2v_cache_saved_seconds_total") == TOOK


async def test_a_cache_that_is_down_is_a_miss_and_is_not_asked_again_at_once(url: str) -> None:
    moment = 100.0
    async with Gate(url) as gate, caching(gate.url, lambda: moment) as worker:
        await gate.close()
        call = Call()
        assert await worker.fetch(call) == "answer"
        await gate.listen()
        moment += 0.99 * REST
        assert await worker.fetch(call) == "answer"
        assert worker.counted() == {"down": 2}
        moment += 0.02 * REST
        assert await worker.fetch(call) == "answer"
        await worker.settled()
        assert await worker.fetch(call) == "answer"
        assert worker.counted() == {"down": 2, "miss": 1, "hit": 1}
        assert call.made == 3


async def test_a_cache_that_hangs_costs_a_job_its_bound_once_and_then_nothing(url: str) -> None:
    async with Gate(url) as gate, caching(gate.url, lambda: 0.0) as worker:
        gate.hang()
        call = Call()
        for _ in range(3):
            assert await worker.fetch(call) == "answer"
        assert worker.counted() == {"slow": 3}
        first, *others = worker.log
        assert first.seconds >= BOUND * 0.9
        assert max(one.seconds for one in others) < BOUND / 2
        gate.open()
        gate.cut()


async def test_an_answer_that_could_not_be_kept_is_counted(url: str) -> None:
    async with Gate(url) as gate, caching(gate.url) as worker:
        call = Call()
        call.gate.clear()
        fetching = asyncio.create_task(worker.fetch(call))
        await call.under_way.wait()
        await gate.close()
        call.gate.set()
        assert await fetching == "answer"
        await worker.settled()
        assert worker.metric("t2v_cache_stores_total", result="failed") == 1


async def test_an_answer_for_which_there_is_no_room_is_counted_and_keeps_nobody_waiting(
    worker: Worker, redis: Redis
) -> None:
    call = Call()
    call.gate.clear()
    fetching = asyncio.create_task(worker.fetch(call))
    await call.under_way.wait()
    assert await redis.exists(keys.CACHE_LOCK + "request") == 1
    async with without_memory(redis):
        call.gate.set()
        await fetching
        await worker.settled()
        assert await redis.exists(keys.CACHE_LOCK + "request") == 0
    assert worker.metric("t2v_cache_stores_total", result="failed") == 1


async def test_what_many_ask_for_at_once_is_called_for_once(worker: Worker, other: Worker) -> None:
    call = Call()
    call.gate.clear()
    asking = [asyncio.create_task(one.fetch(call)) for one in (worker, other) for _ in range(5)]
    await call.under_way.wait()
    await asyncio.sleep(0)
    call.gate.set()
    assert await asyncio.gather(*asking) == ["answer"] * 10
    assert call.made == 1
    both = [worker.counted(), other.counted()]
    assert sum(found.get("miss", 0) for found in both) == 1
    assert sum(found.get("coalesced", 0) + found.get("hit", 0) for found in both) == 9
    assert sum(found.get("coalesced", 0) for found in both) >= 4, "those of the worker that calls"
    saved = [one.metric("t2v_cache_saved_seconds_total") for one in (worker, other)]
    assert sum(saved) == pytest.approx(9 * TOOK)


async def test_when_the_one_that_calls_fails_those_who_wait_call_themselves(worker: Worker, other: Worker) -> None:
    failing, good = Call(fails=True), Call()
    failing.gate.clear()
    leading = asyncio.create_task(worker.fetch(failing))
    await failing.under_way.wait()
    waiting = [asyncio.create_task(one.fetch(good)) for one in (worker, other)]
    await asyncio.sleep(0)
    failing.gate.set()
    with pytest.raises(RejectedError):
        await leading
    assert await asyncio.gather(*waiting) == ["answer"] * 2
    assert (failing.made, good.made) == (1, 2)
    assert worker.counted() == {"miss": 1, "abandoned": 1}


async def test_a_call_that_is_cancelled_leaves_its_turn_to_another(worker: Worker, other: Worker) -> None:
    endless, good = Call(), Call()
    endless.gate.clear()
    leading = asyncio.create_task(worker.fetch(endless))
    await endless.under_way.wait()
    leading.cancel()
    await asyncio.wait([leading])
    await worker.settled()
    began = time.monotonic()
    assert await other.fetch(good) == "answer"
    assert time.monotonic() - began < PATIENCE
    assert other.counted() == {"miss": 1}


async def test_a_worker_that_died_while_it_called_is_waited_for_until_its_lock_is_over(
    worker: Worker, redis: Redis
) -> None:
    await redis.set(keys.CACHE_LOCK + "request", "of a worker that is gone", px=int(PATIENCE * 500))
    call = Call()
    assert await worker.fetch(call) == "answer"
    assert worker.counted() == {"abandoned": 1}
    assert PATIENCE / 3 < worker.log[0].seconds < PATIENCE
    await worker.settled()
    assert await worker.fetch(call) == "answer", "the answer is kept all the same"
    assert call.made == 1


async def test_nobody_waits_for_another_longer_than_the_patience(worker: Worker, redis: Redis) -> None:
    await redis.set(keys.CACHE_LOCK + "request", "of a worker that takes for ever")
    assert await worker.fetch(Call()) == "answer"
    assert worker.counted() == {"abandoned": 1}
    await worker.settled()
    assert await redis.get(keys.CACHE_LOCK + "request"), "the lock of another is not ours to take"


async def test_a_full_cache_forgets_what_was_used_least_and_stays_within_its_limit(
    worker: Worker, redis: Redis
) -> None:
    big = Call("x" * 2**20)
    for number in range(20):
        await worker.fetch(big, f"request-{number}")
        await worker.settled()
    assert worker.metric("t2v_cache_stores_total", result="stored") == 20
    state = await redis.info("memory") | await redis.info("stats")
    assert state["evicted_keys"] > 0
    assert state["used_memory"] < 1.2 * MOST_BYTES
    await worker.fetch(big, "request-0")
    await worker.fetch(big, "request-19")
    assert worker.counted() == {"miss": 21, "hit": 1}


async def test_what_differs_in_anything_is_another_request() -> None:
    names = {
        request_name(namespace, address, payload)
        for namespace in ("", "a", "b")
        for address in ("http://one/v1/audio/speech", "http://two/v1/audio/speech")
        for payload in (b"{}", b'{"voice":"nova"}')
    }
    assert len(names) == 12
    assert request_name("a", "b", b"c") == request_name("a", "b", b"c")


async def test_a_workload_may_want_no_cache(url: str) -> None:
    metrics = WorkerMetrics(CollectorRegistry())
    async with open_cache(url, Workload(cache=False), metrics.cache) as none:
        assert none is None


KEY = CallKey("a-job", 1, 1, 1)


class Narrator:
    """A client of the mocked narrator with a cache."""

    def __init__(self, caller: Caller) -> None:
        self.caller = caller
        self.calls: list[CallTiming] = []

    async def say(self, text: str, namespace: str | None) -> bytes:
        context = CallContext(KEY, self.calls, asyncio.get_running_loop().time() + 30, namespace)
        return (await tts.narrate(self.caller, text, Voice.ALLOY, context)).content


@pytest.fixture
async def narrator(url: str, providers: str) -> AsyncIterator[Narrator]:
    metrics, workload = WorkerMetrics(CollectorRegistry()), Workload()
    gate = ProviderGate(Provider.TTS, workload.breaker, metrics)
    async with (
        session(Provider.TTS, metrics, pooling=True) as http,
        open_cache(url, workload, metrics.cache) as cache,
    ):
        yield Narrator(Caller(http, Provider.TTS, providers, "", workload, metrics, gate, cache))


async def shared(narrator: Narrator, text: str, *namespaces: str | None) -> int:
    """How many calls it takes to say the same once in each of them."""
    sounds = set()
    for namespace in namespaces:
        sounds.add(await narrator.say(text, namespace))
        assert narrator.caller._cache
        await narrator.caller._cache._shelf.settle()
    assert len(sounds) == 1
    return len(narrator.calls)


async def test_jobs_share_within_their_namespace(narrator: Narrator) -> None:
    assert await shared(narrator, "words to say", "a", "a", "") == 2


async def test_jobs_share_with_no_other_namespace(narrator: Narrator) -> None:
    assert await shared(narrator, "other words to say", "a", "b", "") == 3


async def test_a_call_without_a_namespace_neither_finds_nor_leaves_anything(narrator: Narrator) -> None:
    assert await shared(narrator, "words for nobody", None, None, "a") == 3


@pytest.fixture
async def cache(url: str) -> AsyncIterator[Cache]:
    async with open_cache(url, Workload(), WorkerMetrics(CollectorRegistry()).cache) as opened:
        assert opened
        yield opened


def with_cache(bench: Bench, cache: Cache) -> Bench:
    for caller in (bench.tools.llm, bench.tools.tts, bench.tools.visual):
        caller._cache = cache
    return bench


async def test_a_job_that_asks_for_the_same_makes_no_call_and_the_same_video(
    new_bench: Callable[..., Bench], cache: Cache
) -> None:
    first, second = (with_cache(new_bench(), cache) for _ in range(2))
    made = await first.render()
    await cache._shelf.settle()
    used = await second.render()
    assert (len(made.timings.calls), len(used.timings.calls)) == (CALLS, 0)
    assert [lookup.result for lookup in used.timings.lookups] == ["hit"] * CALLS
    assert {asset.sha256 for asset in second.manifest().assets} == {asset.sha256 for asset in first.manifest().assets}


async def test_a_job_that_is_run_again_uses_no_cache(new_bench: Callable[..., Bench], cache: Cache) -> None:
    """Who made the call that a crashed execution stored, nobody would know."""
    bench = with_cache(new_bench(), cache)
    await bench.render()
    await cache._shelf.settle()
    bench.claim = replace(bench.claim, execution=2)
    again = await bench.render()
    assert (len(again.timings.calls), again.timings.lookups) == (CALLS, [])
