"""Cancellation on the real stack, at every stage: quick, complete, and told to whoever waits."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any
from uuid import uuid4

import httpx
import pytest

from contract.artifacts import DataFolder
from contract.calls import Provider
from contract.jobs import Stage
from contract.provider_faults import FaultKind, FaultPlan, ProviderFault
from loadgen.providers import Mocks
from stack.local import LocalStack
from tests.test_data_helper import UploadableDocument, submit

STAGES = list(Stage)
BEGUN = "t2v_mock_planned_seconds_count"
"""Counted when a call arrives, whether or not its client waits for the answer."""
QUICK = 0.5
"""Seconds after which no call of a cancelled job may begin."""


@contextlib.asynccontextmanager
async def silent(stack: LocalStack, provider: Provider | None) -> AsyncIterator[None]:
    """Meanwhile this provider lets its callers wait, so that no job gets past the stage that asks it."""
    faults = (ProviderFault(provider=provider, kind=FaultKind.HANG),) if provider else ()
    async with (
        Mocks(stack.mocks_url, stack.control_token) as mocks,
        mocks.led(FaultPlan(run=uuid4().hex, start=time.time(), faults=faults)),
    ):
        yield


async def reaches(api: httpx.AsyncClient, job_id: str, stage: Stage) -> None:
    """Or a later one: some stages are over before anybody can look."""
    async with asyncio.timeout(10):
        while not _is_at(job := (await api.get(f"/v1/videos/{job_id}")).json(), stage):
            assert job["status"] in {"queued", "in_progress"}, "the job was over before it reached the stage"


def _is_at(job: Mapping[str, Any], stage: Stage) -> bool:
    return job["stage"] is not None and STAGES.index(job["stage"]) >= STAGES.index(stage)


async def provider_calls(stack: LocalStack) -> float:
    async with httpx.AsyncClient(trust_env=False) as client:
        text = (await client.get(f"{stack.mocks_url}/metrics")).text
    return sum(float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith(BEGUN))


async def ended(api: httpx.AsyncClient, job_id: str) -> Mapping[str, Any]:
    return dict((await api.get(f"/v1/videos/{job_id}", params={"wait": 5})).json())


@pytest.mark.parametrize(
    ("stage", "waits_for"),
    [
        (Stage.PARSE, Provider.LLM),
        (Stage.SCRIPT, Provider.LLM),
        (Stage.SCENES, Provider.TTS),
        (Stage.ASSEMBLE, None),
    ],
)
async def test_a_cancelled_job_stops_at_once_wherever_it_is(
    stack: LocalStack,
    api: httpx.AsyncClient,
    mock_file_context: UploadableDocument,
    stage: Stage,
    waits_for: Provider | None,
) -> None:
    async with silent(stack, waits_for):
        job_id = await submit(api, mock_file_context)
        await reaches(api, job_id, stage)
        waiting = asyncio.create_task(ended(api, job_id))
        asked = time.perf_counter()
        assert (await api.post(f"/v1/videos/{job_id}/cancel")).status_code == 200
        job = await waiting
        if job["status"] == "completed":
            assert stage is Stage.ASSEMBLE, "the last stages take milliseconds; any other is stopped"
            return
        assert job["status"] == "cancelled"
        assert time.perf_counter() - asked < QUICK
        calls = await provider_calls(stack)
        await asyncio.sleep(QUICK)
        assert await provider_calls(stack) == calls, "a call of a cancelled job began later"
    folder = DataFolder(stack.data_dir).job(job_id)
    async with asyncio.timeout(2):
        while folder.exists():  # noqa: ASYNC110 - another process removes it
            await asyncio.sleep(0.01)
    assert (await api.get(f"/v1/videos/{job_id}/content")).status_code == 409


async def test_cancelling_twice_after_the_end_or_an_unknown_job_is_answered_well(
    stack: LocalStack, api: httpx.AsyncClient, mock_file_context: UploadableDocument
) -> None:
    async with silent(stack, Provider.LLM):
        job_id = await submit(api, mock_file_context)
        await reaches(api, job_id, Stage.SCRIPT)
        first, second = await asyncio.gather(*(api.post(f"/v1/videos/{job_id}/cancel") for _ in range(2)))
    assert (first.status_code, second.status_code) == (200, 200)
    assert (await ended(api, job_id))["status"] == "cancelled"
    again = await api.post(f"/v1/videos/{job_id}/cancel")
    assert (again.status_code, again.json()["status"]) == (200, "cancelled")
    assert (await api.post("/v1/videos/video_unknown/cancel")).status_code == 404


async def test_events_end_with_the_cancellation(
    stack: LocalStack, api: httpx.AsyncClient, mock_file_context: UploadableDocument
) -> None:
    async with silent(stack, Provider.LLM), contextlib.AsyncExitStack() as streaming:
        job_id = await submit(api, mock_file_context)
        await reaches(api, job_id, Stage.SCRIPT)
        events = await streaming.enter_async_context(api.stream("GET", f"/v1/videos/{job_id}/events"))
        await api.post(f"/v1/videos/{job_id}/cancel")
        names = [line.removeprefix("event: ") async for line in events.aiter_lines() if line.startswith("event:")]
    assert names[-1] == "cancelled"
