"""Real parts for every test: Redis, and the whole stack once per session."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from redis.asyncio import Redis

from contract.connections import connect
from loadgen.document import default_document
from stack.local import LocalStack
from stack.parts import queue_store
from stack.places import ROOT
from stack.ports import PortChooser
from stack.process import Child
from stack.programs import REDIS, find_programs
from stack.readiness import answers, asker
from tests.test_data_helper import UploadableDocument, uploadable


@pytest.fixture(scope="session")
async def redis_server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """The URL of a Redis of the session's own, set up as the stack's ledger is."""
    folder = tmp_path_factory.mktemp("redis")
    program = (await asyncio.to_thread(find_programs))[REDIS.name]
    part = queue_store(program, PortChooser().choose(), folder)
    child = await Child.start(part.name, part.argv, log=folder / "redis.log", env=dict(part.env), cwd=ROOT)
    try:
        async with asker() as session:
            await child.wait_ready(lambda: answers(part.ready_url, session), 20)
        yield part.url
    finally:
        await child.stop(5)


@pytest.fixture
async def redis_url(redis_server: str) -> str:
    """An empty Redis."""
    async with connect(redis_server, 5) as redis:
        await redis.flushall()
    return redis_server


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    async with connect(redis_url, 5) as client:
        yield client


@pytest.fixture(scope="session")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[LocalStack]:
    """The whole service, its mocked providers and Prometheus, as `make up` runs them; two API processes."""
    async with LocalStack(tmp_path_factory.mktemp("logs"), api_processes=2) as running:
        yield running
        assert not running.deaths, f"died during the tests: {running.deaths}"


@pytest.fixture
async def api(stack: LocalStack) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=stack.api_url, timeout=30, trust_env=False) as client:
        yield client


@pytest.fixture(scope="session")
def mock_file_context() -> UploadableDocument:
    """The default document as an uploadable file, with the scenes that a video of it must have."""
    return uploadable(default_document(ROOT))
