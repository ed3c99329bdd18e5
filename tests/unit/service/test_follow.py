import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import orjson
import pytest

from contract.jobs import Outcome, Stage
from contract.settings import Deployment
from tests.unit.service.fronts import Front, problem_of, serving


@dataclass(frozen=True, slots=True)
class Event:
    id: int
    name: str
    status: str


async def events_of(answer: httpx.Response) -> AsyncIterator[Event]:
    fields: dict[str, str] = {}
    async for line in answer.aiter_lines():
        if line and not line.startswith(":"):
            name, _, value = line.partition(": ")
            fields[name] = value
        elif fields:
            yield Event(int(fields["id"]), fields["event"], orjson.loads(fields["data"])["status"])
            fields = {}


async def until_waiting(front: Front, requests: float = 1) -> None:
    """Until the front end answers that many requests at once, this one's own not counted."""
    async with asyncio.timeout(5):
        while (await front.metrics())["t2v_http_requests_in_flight",] < requests + 1:  # noqa: ASYNC110 - told by no event
            await asyncio.sleep(0.002)


async def test_waiting_ends_when_the_status_changes_and_not_before(front: Front) -> None:
    job_id = await front.accepted()
    waiting = asyncio.create_task(front.http.get(f"/v1/videos/{job_id}", params={"wait": 5}))
    await until_waiting(front)
    claim = await front.claim()
    assert (await waiting).json()["status"] == "in_progress"

    waiting = asyncio.create_task(front.http.get(f"/v1/videos/{job_id}", params={"wait": 5}))
    await until_waiting(front)
    await front.ledger.advance(job_id, claim.token, Stage.SCRIPT, 10)
    assert not (await asyncio.wait({waiting}, timeout=0.05))[0], "a stage is no status"
    await front.finish(claim)
    assert (await waiting).json()["status"] == "completed"


async def test_waiting_ends_at_its_bound_with_the_job_as_it_is(front: Front) -> None:
    job_id = await front.accepted()
    began = time.perf_counter()
    answer = await front.http.get(f"/v1/videos/{job_id}", params={"wait": 0.2})
    assert answer.json()["status"] == "queued"
    assert 0.2 <= time.perf_counter() - began < 1


async def test_an_ended_job_is_not_waited_for(front: Front) -> None:
    job_id = await front.completed()
    began = time.perf_counter()
    assert (await front.http.get(f"/v1/videos/{job_id}", params={"wait": 10})).json()["status"] == "completed"
    assert time.perf_counter() - began < 1


@pytest.mark.parametrize("wait", ["-1", "61", "nan", "inf", "long", ""])
async def test_a_wait_that_makes_no_sense_is_refused(front: Front, wait: str) -> None:
    answer = await front.http.get(f"/v1/videos/{await front.accepted()}", params={"wait": wait})
    assert answer.status_code == 422
    assert "wait" in problem_of(answer)["detail"]


async def test_what_one_front_end_accepts_can_be_followed_at_another(front: Front, deployment: Deployment) -> None:
    async with serving(deployment) as other:
        job_id = await front.accepted()
        waiting = asyncio.create_task(other.http.get(f"/v1/videos/{job_id}", params={"wait": 5}))
        await until_waiting(other)
        assert (await front.http.post(f"/v1/videos/{job_id}/cancel")).json()["status"] == "cancelled"
        assert (await waiting).json()["status"] == "cancelled"


async def test_many_wait_for_one_job(front: Front) -> None:
    job_id = await front.accepted()
    requests = [asyncio.create_task(front.http.get(f"/v1/videos/{job_id}", params={"wait": 5})) for _ in range(20)]
    await until_waiting(front, 20)
    await front.ledger.cancel(job_id)
    assert {answer.json()["status"] for answer in await asyncio.gather(*requests)} == {"cancelled"}


async def test_events_tell_each_change_and_end_with_the_job(front: Front) -> None:
    job_id = await front.accepted()
    async with front.http.stream("GET", f"/v1/videos/{job_id}/events") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        events = events_of(answer)
        first = await anext(events)
        claim = await front.claim()
        second = await anext(events)
        await front.ledger.advance(job_id, claim.token, Stage.SCRIPT, 10)
        third = await anext(events)
        await front.finish(claim, Outcome.FAILED)
        rest = [event async for event in events]
    seen = [first, second, third, *rest]
    assert [event.status for event in seen] == ["queued", "in_progress", "in_progress", "failed"]
    assert [event.name for event in seen] == [event.status for event in seen]
    assert [event.id for event in seen] == [1, 2, 3, 4]


async def test_events_of_an_ended_job_are_its_end(front: Front) -> None:
    job_id = await front.completed()
    async with front.http.stream("GET", f"/v1/videos/{job_id}/events") as answer:
        assert [event.status async for event in events_of(answer)] == ["completed"]


async def test_events_go_on_after_the_last_one_seen(front: Front) -> None:
    job_id = await front.accepted()
    claim = await front.claim()
    async with front.http.stream("GET", f"/v1/videos/{job_id}/events", headers={"Last-Event-ID": "2"}) as answer:
        event = asyncio.ensure_future(anext(events_of(answer)))
        assert not (await asyncio.wait({event}, timeout=0.05))[0], "version 2 was seen before"
        await front.ledger.advance(job_id, claim.token, Stage.SCRIPT, 10)
        assert (await event).id == 3
    async with front.http.stream("GET", f"/v1/videos/{job_id}/events", headers={"Last-Event-ID": "1"}) as answer:
        assert (await anext(events_of(answer))).id == 3


async def test_events_of_an_ended_job_that_was_seen_to_end_are_none(front: Front) -> None:
    job_id = await front.completed()
    headers = {"Last-Event-ID": "3"}
    async with front.http.stream("GET", f"/v1/videos/{job_id}/events", headers=headers) as answer:
        assert [event async for event in events_of(answer)] == []


async def test_a_last_event_id_that_is_none_is_refused(front: Front) -> None:
    job_id = await front.accepted()
    answer = await front.http.get(f"/v1/videos/{job_id}/events", headers={"Last-Event-ID": "yesterday"})
    assert answer.status_code == 422
    assert "last-event-id" in problem_of(answer)["detail"]
