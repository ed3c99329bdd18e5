import asyncio
import time
from pathlib import Path

import httpx
import pytest
from redis.asyncio import Redis

from contract.connections import connect_blocking
from contract.settings import Deployment
from service.changes import Changes
from tests.unit.full_redis import full_redis
from tests.unit.service.fronts import PDF, REDIS_TIMEOUT, problem_of, serving
from tests.unit.service.test_follow import until_waiting
from tests.unit.sockets import Gate

BOUND = REDIS_TIMEOUT * 1.6
"""A busy machine may take a little longer than the setting says."""


def behind(gate: Gate, deployment: Deployment) -> Deployment:
    return deployment.model_copy(update={"redis_url": gate.url, "redis_timeout": REDIS_TIMEOUT})


async def assert_unavailable(request: "asyncio.Task[httpx.Response]") -> None:
    began = time.perf_counter()
    answer = await request
    assert answer.status_code == 503, answer.text
    assert time.perf_counter() - began < BOUND
    assert int(answer.headers["retry-after"]) >= 1
    assert "Redis" in problem_of(answer)["detail"]


@pytest.mark.parametrize("ailment", ["refuses", "hangs"])
async def test_without_redis_nothing_is_acknowledged_and_with_it_all_goes_on(
    deployment: Deployment, ailment: str
) -> None:
    async with Gate(deployment.redis_url) as gate, serving(behind(gate, deployment), deployment.redis_url) as front:
        job_id = await front.accepted()
        if ailment == "hangs":
            gate.hang()
        else:
            await gate.close()
        requests = [
            front.submit(),
            front.http.get(f"/v1/videos/{job_id}"),
            front.http.get(f"/v1/videos/{job_id}", params={"wait": 5}),
            front.http.get("/v1/videos"),
            front.http.get(f"/v1/videos/{job_id}/content"),
            front.http.post(f"/v1/videos/{job_id}/cancel"),
            front.http.delete(f"/v1/videos/{job_id}"),
            front.http.get("/readyz"),
        ]
        await asyncio.gather(*(assert_unavailable(asyncio.ensure_future(request)) for request in requests))
        for path in ("/healthz", "/metrics"):
            assert (await front.http.get(path)).status_code == 200
        assert front.data.upload(job_id).exists(), "an accepted document was given up"

        gate.open()
        if ailment == "refuses":
            await gate.listen()
        assert (await front.http.get("/readyz")).status_code == 200
        assert await front.accepted() != job_id


async def test_a_document_stays_when_nobody_knows_whether_its_job_was_accepted(deployment: Deployment) -> None:
    async with Gate(deployment.redis_url) as gate, serving(behind(gate, deployment), deployment.redis_url) as front:
        assert (await front.http.get("/readyz")).status_code == 200
        gate.swallow_answers()
        await assert_unavailable(asyncio.ensure_future(front.submit(key="k")))
        gate.open()
        again = await front.submit(key="k")
        assert again.status_code == 202
        job_id = again.json()["id"]
        assert job_id in front.uploads(), "the job was accepted and its document thrown away"
        assert front.data.upload(job_id).read_bytes() == PDF
        assert (await front.http.get("/v1/videos")).json()["data"][0]["id"] == job_id


async def test_a_waiting_request_learns_what_changed_while_redis_was_away(deployment: Deployment) -> None:
    async with Gate(deployment.redis_url) as gate, serving(behind(gate, deployment), deployment.redis_url) as front:
        job_id = await front.accepted()
        waiting = asyncio.create_task(front.http.get(f"/v1/videos/{job_id}", params={"wait": 5}))
        await until_waiting(front)
        await gate.close()
        await front.ledger.cancel(job_id)
        await gate.listen()
        began = time.perf_counter()
        assert (await waiting).json()["status"] == "cancelled"
        assert time.perf_counter() - began < 2


async def test_a_subscription_that_goes_silent_is_replaced(deployment: Deployment) -> None:
    async with Gate(deployment.redis_url) as gate, serving(behind(gate, deployment), deployment.redis_url) as front:
        job_id = await front.accepted()
        waiting = asyncio.create_task(front.http.get(f"/v1/videos/{job_id}", params={"wait": 5}))
        await until_waiting(front)
        gate.hang()
        await front.ledger.cancel(job_id)
        gate.forget()
        gate.open()
        assert (await waiting).json()["status"] == "cancelled"


async def test_an_idle_subscription_keeps_its_connection(redis: Redis, redis_url: str) -> None:
    beat = 0.3  # in which an answer comes on a busy machine, too
    changes = Changes(connect_blocking(redis_url, 0, 1), beat)
    async with changes.listening():
        with changes.watch("video_a") as watch:
            assert await watch.next(5) == {}, "subscribed: look again"
            before = (await redis.info("stats"))["total_connections_received"]
            assert await watch.next(beat * 4) is None
            await redis.publish("t2v:events", '{"id": "video_a", "version": 7}')
            assert await watch.next(5) == {"id": "video_a", "version": 7}
            assert (await redis.info("stats"))["total_connections_received"] == before


async def test_a_front_end_starts_without_redis_and_serves_once_it_is_there(deployment: Deployment) -> None:
    async with Gate(deployment.redis_url) as gate:
        await gate.close()
        async with serving(behind(gate, deployment), deployment.redis_url) as front:
            assert (await front.http.get("/healthz")).status_code == 200
            await assert_unavailable(asyncio.ensure_future(front.http.get("/readyz")))
            await gate.listen()
            assert (await front.http.get("/readyz")).status_code == 200


async def test_a_redis_that_can_keep_nothing_refuses_jobs_and_goes_on_telling_of_those_it_has(tmp_path: Path) -> None:
    async with full_redis(tmp_path) as url:
        deployment = Deployment(redis_url=url, data_dir=tmp_path / "data", redis_timeout=REDIS_TIMEOUT)
        async with serving(deployment) as front:
            await assert_unavailable(asyncio.ensure_future(front.submit()))
            await assert_unavailable(asyncio.ensure_future(front.http.get("/readyz")))
            assert (await front.http.get("/v1/videos/video_a")).json()["status"] == "queued"
