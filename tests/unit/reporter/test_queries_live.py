"""The queries against a real Prometheus, whose every count is known beforehand."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from prometheus_client import Counter, Gauge, Metric

from contract.calls import BreakerState, Provider
from contract.catalogue import LedgerTotals, LoadMetrics, MockMetrics, Phase, RequestKind, ServiceMetrics, WorkerMetrics
from contract.jobs import Outcome, Status
from reporter.answers import Answers
from reporter.books import client_counts, ledger_counts, worker_counts
from reporter.prometheus import Prometheus, PromQLError, clock_skew, settled
from reporter.queries import QUERIES, collect
from reporter.statistics import bucket_of_quantile, percentile
from tests.unit.reporter.live import Live, clear

BOUND = 30.0
HELD = 1e8
OPENINGS = [1_700_000_001.25, 1_700_000_002.5]
RESPONSES = [0.4 + 0.005 * i for i in range(60)]


class Exporter:
    """The ledger's exporter with totals of the test's own."""

    def __init__(self) -> None:
        self.totals = {"submitted": 7, "executions": 7, "finished:completed": 7}

    def collect(self) -> Iterator[Metric]:
        yield from LedgerTotals.families(self.totals, {Status.QUEUED: 0, Status.IN_PROGRESS: 0}, None, Phase.IDLE)


@dataclass
class Scene:
    """What was counted where, and what Prometheus answered about it."""

    url: str
    answers: Answers
    start: float
    end: float


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def scene(live: Live) -> AsyncIterator[Scene]:
    """A run of 60 jobs; one worker's series vanish half-way and those of another appear."""
    registries = {name: process.registry for name, process in live.processes.items()}
    service = ServiceMetrics(registries["service-1"], [("POST", "/v1/videos", [RequestKind.PLAIN])])
    exporter = Exporter()
    registries["exporter-1"].register(exporter)
    first = WorkerMetrics(registries["worker-1"])
    vanishing = WorkerMetrics(registries["worker-2"])
    mocks, load = MockMetrics(registries["mocks-1"]), LoadMetrics(registries["loadgen-1"])
    restarted = Counter("t2v_process_cpu_seconds", "CPU", registry=registries["restarted-1"])
    restarted.inc(5)
    for name, held in (("worker-1", HELD), ("worker-2", 10 * HELD)):
        Gauge("t2v_process_unique_bytes", "Memory", registry=registries[name]).set(held)
    for _ in range(3):  # a warm-up
        load.response_seconds.observe(20)
        first.executions.labels(Outcome.COMPLETED).inc()
        vanishing.executions.labels(Outcome.COMPLETED).inc()
        service.requests.labels("POST", "/v1/videos", "202").inc()
    await _answering(live.url)
    start = await settled(live.url, time.time(), BOUND, list(registries))
    for seconds in RESPONSES:
        load.arrivals.inc()
        load.response_seconds.observe(seconds)
        load.finished.labels(Outcome.COMPLETED).inc()
        service.requests.labels("POST", "/v1/videos", "202").inc()
        mocks.planned_seconds.labels(Provider.LLM).observe(seconds)
    first.breaker_changed.labels(Provider.LLM, BreakerState.OPEN).set(OPENINGS[0])
    first.breaker_transitions.labels(Provider.LLM, BreakerState.OPEN).inc(2)
    first.breaker_state.labels(Provider.LLM, BreakerState.OPEN).set(1)
    for _ in range(20):
        first.executions.labels(Outcome.COMPLETED).inc()
        vanishing.executions.labels(Outcome.COMPLETED).inc()
    await settled(live.url, time.time(), BOUND)
    first.breaker_changed.labels(Provider.LLM, BreakerState.OPEN).set(OPENINGS[1])
    first.breaker_state.labels(Provider.LLM, BreakerState.OPEN).set(0)
    clear(registries["worker-2"])
    clear(registries["restarted-1"])
    appearing = WorkerMetrics(registries["worker-3"])
    Counter("t2v_process_cpu_seconds", "CPU", registry=registries["restarted-1"]).inc(1)
    appearing.executions.labels(Outcome.COMPLETED).inc(19)
    appearing.executions.labels(Outcome.PARTIAL).inc(1)
    exporter.totals |= {"submitted": 67, "executions": 67, "finished:completed": 66, "finished:partial": 1}
    end = await settled(live.url, time.time(), BOUND)
    yield Scene(live.url, await collect(live.url, start, end), start, end)
    for registry in registries.values():  # answering with them costs time that later tests would pay
        clear(registry)


async def _answering(url: str) -> None:
    deadline = time.monotonic() + BOUND
    while True:
        try:
            async with Prometheus(url) as prometheus:
                await prometheus.now()
        except PromQLError:
            assert time.monotonic() < deadline, "Prometheus did not start"
            await asyncio.sleep(0.05)
        else:
            return


async def test_growth_counts_what_vanished_and_what_appeared(scene: Scene) -> None:
    """20 on a worker that stayed, 20 on one that vanished, 20 on one that appeared; no warm-up."""
    assert scene.answers.count("worker.executions", outcome="completed") == 59
    assert scene.answers.count("worker.executions", outcome="partial") == 1
    assert scene.answers.count("worker.executions", outcome="failed") == 0


async def test_the_books_of_three_parties(scene: Scene) -> None:
    """Each party's counts come out whole, and a ledger that had counted before starts from there."""
    ledger, worker, client = ledger_counts(scene.answers), worker_counts(scene.answers), client_counts(scene.answers)
    assert ledger is not None
    assert worker is not None
    assert client is not None
    assert (ledger["submitted"], ledger["completed"], ledger["partial"], ledger["crashes"]) == (60, 59, 1, 0)
    assert (worker["completed"], worker["partial"], worker["lost"]) == (59, 1, 0)
    assert (client["arrivals"], client["completed"], client["errors"]) == (60, 60, 0)
    assert scene.answers.count("service.posts", status="202") == 60


async def test_memory_of_a_process_that_vanished_counts_for_the_part_of_the_time_that_it_lived(scene: Scene) -> None:
    """It held ten times as much as the one that stayed, so that a scrape that failed does not hide it."""
    held = scene.answers.value("memory.held", job="worker")
    assert held is not None
    assert 1.5 * HELD < held < 10.5 * HELD


@pytest.mark.parametrize(("name", "q"), [("p50", 0.5), ("p95", 0.95), ("p99", 0.99)])
async def test_a_quantile_lies_in_the_bucket_of_the_exact_one(scene: Scene, name: str, q: float) -> None:
    """PromQL's quantile, the nearest rank and the bucket from the growth of all buckets agree."""
    bucket = bucket_of_quantile(scene.answers.buckets("load.response.buckets"), q)
    found = scene.answers.value(f"load.response.{name}")
    assert bucket is not None
    assert found is not None
    assert bucket.holds(found)
    assert bucket.holds(percentile(RESPONSES, q))
    assert bucket.high / bucket.low < 1.05
    assert scene.answers.count("load.response.n") == 60


async def test_a_shifted_quantile_lies_outside_its_bucket(scene: Scene) -> None:
    """The check can fail: 10 % more is another bucket."""
    bucket = bucket_of_quantile(scene.answers.buckets("load.response.buckets"), 0.5)
    found = scene.answers.value("load.response.p50")
    assert bucket is not None
    assert found is not None
    assert not bucket.holds(found * 1.1)


async def test_what_nobody_observed_has_no_quantile(scene: Scene) -> None:
    """A histogram that exists but did not grow has n = 0 and no quantile, which is not 0."""
    assert scene.answers.count("call.n", provider="tts") == 0
    assert scene.answers.value("call.p95", provider="tts") is None
    assert scene.answers.value("http.p95", route="/v1/videos") is None
    assert scene.answers.samples("never asked") == []


async def test_readings_over_the_window_come_in_order_of_time(scene: Scene) -> None:
    """A breaker of worker-1 opened twice within it: each moment is read to the digit, and the last one last."""
    (moment,) = scene.answers.samples("series.breaker_changed", instance="worker-1", provider="llm", state="open")
    times, values = zip(*moment.points, strict=True)
    assert list(times) == sorted(times)
    assert scene.start - 1 < times[0] < times[-1] <= scene.end
    assert [value for value in dict.fromkeys(values) if value] == OPENINGS
    assert moment.value == OPENINGS[1]
    (state,) = scene.answers.samples("series.breaker_open", instance="worker-1", provider="llm", state="open")
    assert [value for _, value in state.points][-1] == 0
    assert 1 in {value for _, value in state.points}
    assert scene.answers.count("breaker.transitions", provider="llm", state="open") == 2
    assert {s.labels["status"] for s in scene.answers.samples("series.backlog")} == {"queued", "in_progress"}
    assert not scene.answers.samples("breaker.transitions")[0].points


async def test_a_counter_that_restarted_is_reported(scene: Scene) -> None:
    assert scene.answers.count("meta.restarts", instance="restarted-1") == 1
    assert scene.answers.count("meta.restarts", instance="worker-1") == 0


async def test_answers_survive_the_disk(scene: Scene, tmp_path: Path) -> None:
    """What is loaded is what was saved, unknown values and queries with their numbers included."""
    scene.answers.save(tmp_path / "queries.json")
    loaded = Answers.load(tmp_path / "queries.json")
    assert list(loaded) == list(scene.answers)
    assert (loaded.start, loaded.end) == (scene.start, scene.end)
    assert {answer.id for answer in loaded} == {query.id for query in QUERIES}
    assert all("$" not in answer.expr for answer in loaded)
    assert any(len(sample.points) > 1 for sample in loaded.samples("series.backlog"))
    json.loads((tmp_path / "queries.json").read_text())


async def test_clock_and_settling(scene: Scene) -> None:
    """One machine has one clock; a target that stays away is named within the bound."""
    assert abs(await clock_skew(scene.url)) < 0.5
    with pytest.raises(PromQLError, match=r"worker-9 \(not discovered\)"):
        await settled(scene.url, time.time(), 0.3, ["worker-9"])
    with pytest.raises(PromQLError, match="worker/worker-1"):
        await settled(scene.url, time.time() + 60, 0.2)


async def test_a_refused_query_says_why(scene: Scene) -> None:
    async with Prometheus(scene.url) as prometheus:
        with pytest.raises(PromQLError, match="parse error"):
            await prometheus.query("sum(")
        assert await prometheus.query("t2v_nobody_has_this") == []
        assert (await prometheus.query("0/0"))[0].value is None
        assert len((await prometheus.query("up[1m]"))[0].points) > 1


async def test_a_server_describes_itself(live: Live) -> None:
    async with Prometheus(live.url) as prometheus:
        assert (await prometheus.version()).startswith(".".join(live.version.split(".")[:2]))
        assert await prometheus.scrape_interval() == 0.2
