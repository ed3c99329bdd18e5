import time
from collections import Counter

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from redis.asyncio import Redis

from contract.catalogue import Phase
from contract.process_faults import Kind, Target
from contract.run import hold_run, publish_verdict
from contract.runfolder import Verdict
from contract.settings import Deployment
from service import exporter
from tests.unit.service.fronts import REDIS_TIMEOUT, Front, answering
from tests.unit.service.test_follow import events_of
from tests.unit.sockets import Gate

REQUESTS, SECONDS = "t2v_http_requests_total", "t2v_http_request_seconds_count"


async def growth(front: Front, before: dict[tuple[str, ...], float]) -> dict[tuple[str, ...], float]:
    """What was counted since; the scrapes themselves are left out."""
    after = await front.metrics()
    assert set(after) == set(before), "a metric or label came into being with an event"
    return {
        name: value - before[name]
        for name, value in after.items()
        if name[0] in {REQUESTS, SECONDS} and value != before[name] and name[2] != "/metrics"
    }


async def test_metrics_are_answered_at_once_in_the_text_format(front: Front) -> None:
    answer = await front.http.get("/metrics", follow_redirects=False)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")


async def test_requests_are_counted_by_template_method_and_status(front: Front) -> None:
    before = await front.metrics()
    job_ids = [await front.accepted(), await front.accepted()]
    for job_id in job_ids:
        await front.http.get(f"/v1/videos/{job_id}")
    await front.http.get("/v1/videos/none")
    await front.http.get(f"/v1/videos/{job_ids[0]}/content")
    await front.submit(b"no document")
    counted = await growth(front, before)
    assert {name[1:]: value for name, value in counted.items() if name[0] == REQUESTS} == {
        ("POST", "/v1/videos", "202"): 2,
        ("POST", "/v1/videos", "422"): 1,
        ("GET", "/v1/videos/{job_id}", "200"): 2,
        ("GET", "/v1/videos/{job_id}", "404"): 1,
        ("GET", "/v1/videos/{job_id}/content", "409"): 1,
    }


async def test_what_matches_no_route_is_counted_under_one_label(front: Front) -> None:
    before = await front.metrics()
    for number in range(3):
        await front.http.get(f"/nothing/{number}")
    await front.http.request("PUT", "/coffee")
    counted = await growth(front, before)
    assert counted == {
        (REQUESTS, "GET", "unmatched", "404"): 3,
        (SECONDS, "GET", "unmatched", "plain"): 3,
        (REQUESTS, "other", "unmatched", "404"): 1,
        (SECONDS, "other", "unmatched", "plain"): 1,
    }


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/v1/videos"),
        ("HEAD", "/v1/videos/none"),
        ("DELETE", "/v1/videos/none?wait=5"),
        ("GET", "/v1/videos/"),
        ("GET", "/docs"),
        ("GET", "/openapi.json"),
        ("OPTIONS", "/v1/videos"),
    ],
)
async def test_no_request_makes_a_label(front: Front, method: str, path: str) -> None:
    before = await front.metrics()
    await front.http.request(method, path)
    counted = await growth(front, before)
    assert Counter(name[0] for name in counted) == {REQUESTS: 1, SECONDS: 1}


async def test_a_refused_body_is_counted_once(front: Front) -> None:
    before = await front.metrics()
    await front.http.post("/v1/videos", content=b"\0" * 300_000, headers={"Content-Type": "multipart/form-data"})
    counted = await growth(front, before)
    assert [(name[1], name[3]) for name in counted if name[0] == REQUESTS] == [("POST", "413")]


async def test_waiting_and_streaming_requests_are_timed_apart(front: Front) -> None:
    job_id = await front.completed()
    before = await front.metrics()
    await front.http.get(f"/v1/videos/{job_id}")
    await front.http.get(f"/v1/videos/{job_id}?wait=1")
    await front.http.get(f"/v1/videos/{job_id}/content")
    async with front.http.stream("GET", f"/v1/videos/{job_id}/events") as answer:
        assert [event.status async for event in events_of(answer)] == ["completed"]
    counted = await growth(front, before)
    assert {name[2:]: value for name, value in counted.items() if name[0] == SECONDS} == {
        ("/v1/videos/{job_id}", "plain"): 1,
        ("/v1/videos/{job_id}", "wait"): 1,
        ("/v1/videos/{job_id}/content", "stream"): 1,
        ("/v1/videos/{job_id}/events", "stream"): 1,
    }
    assert (await front.metrics())["t2v_http_requests_in_flight",] == 1, "the scrape itself"


async def ledger_metrics(url: str) -> dict[tuple[str, ...], float]:
    async with httpx.AsyncClient(base_url=url, trust_env=False) as client:
        text = (await client.get("/metrics")).raise_for_status().text
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name.startswith("t2v_") and not sample.name.startswith("t2v_process_")
    }


async def test_the_exporter_tells_the_totals_of_the_ledger(front: Front, deployment: Deployment) -> None:
    async with answering(exporter.create_app(deployment)) as url:
        empty = await ledger_metrics(url)
        assert empty["t2v_ledger_up",] == 1
        assert empty["t2v_jobs_finished_total", "partial"] == 0
        assert ("t2v_queue_oldest_timestamp_seconds",) not in empty
        await front.completed()
        cancelled, waiting = await front.accepted(), await front.accepted()
        await front.http.post(f"/v1/videos/{cancelled}/cancel")
        told = await ledger_metrics(url)
        assert told["t2v_jobs_submitted_total",] == 3
        assert told["t2v_executions_started_total",] == 1
        assert told["t2v_jobs_finished_total", "completed"] == told["t2v_jobs_finished_total", "cancelled"] == 1
        assert (told["t2v_jobs", "queued"], told["t2v_jobs", "in_progress"]) == (1, 0)
        created = (await front.http.get(f"/v1/videos/{waiting}")).json()["created_at"]
        assert abs(told["t2v_queue_oldest_timestamp_seconds",] - created) < 0.001
        assert told["t2v_run_phase", "idle"] == 1
        assert told["t2v_run_faults", "kill", "worker"] == told["t2v_run_verdict_timestamp_seconds", "pass"] == 0
        assert ("t2v_ledger_begun_timestamp_seconds",) not in empty
        assert 0 <= created - told["t2v_ledger_begun_timestamp_seconds",] < 60


async def test_the_exporter_tells_of_the_run_and_of_the_verdict_before(redis: Redis, deployment: Deployment) -> None:
    await publish_verdict(redis, Verdict.INVALID)
    async with answering(exporter.create_app(deployment)) as url, hold_run(redis, "run-1") as run:
        with run.under(Target.WORKER, Kind.KILL):
            await run.enter(Phase.MEASURE)
            told = await ledger_metrics(url)
    assert told["t2v_run_phase", "measure"] == told["t2v_run_faults", "kill", "worker"] == 1
    assert sum(value for name, value in told.items() if name[0] == "t2v_run_faults") == 1
    assert abs(told["t2v_run_verdict_timestamp_seconds", "invalid"] - time.time()) < 60


def of_the_ledger(told: dict[tuple[str, ...], float]) -> dict[tuple[str, ...], float]:
    return {name: value for name, value in told.items() if not name[0].startswith("t2v_cache_")}


async def test_the_exporter_tells_how_full_the_cache_is_while_it_answers(deployment: Deployment) -> None:
    """Any Redis will do: what is told comes from its INFO."""
    async with Gate(deployment.redis_url) as gate:
        app = exporter.create_app(deployment.model_copy(update={"cache_url": gate.url}))
        async with answering(app) as url:
            told = await ledger_metrics(url)
            assert (told["t2v_cache_up",], told["t2v_cache_evicted_keys_total",]) == (1, 0)
            assert told["t2v_cache_max_memory_bytes",] == 2**30
            assert 0 < told["t2v_cache_used_memory_bytes",] < 2**30
            await gate.close()
            away = await ledger_metrics(url)
            assert [name for name in away if name[0].startswith("t2v_cache_")] == [("t2v_cache_up",)]
            assert (away["t2v_cache_up",], away["t2v_ledger_up",]) == (0, 1)


async def test_while_redis_is_away_the_exporter_tells_nothing_else(deployment: Deployment) -> None:
    async with Gate(deployment.redis_url) as gate:
        app = exporter.create_app(deployment.model_copy(update={"redis_url": gate.url, "redis_timeout": REDIS_TIMEOUT}))
        async with answering(app) as url:
            assert (await ledger_metrics(url))["t2v_ledger_up",] == 1
            gate.hang()
            assert of_the_ledger(await ledger_metrics(url)) == {("t2v_ledger_up",): 0}
            await gate.close()
            assert of_the_ledger(await ledger_metrics(url)) == {("t2v_ledger_up",): 0}
            gate.open()
            await gate.listen()
            assert (await ledger_metrics(url))["t2v_ledger_up",] == 1
