"""Real parts for every test: Redis, and the whole stack once per session."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from redis.asyncio import Redis
from rich.console import Console

from contract.connections import connect
from contract.runfolder import Result
from loadgen.display import Display
from loadgen.document import default_document
from loadgen.runner import Progress
from loadgen.scenario import load
from measure import measure
from stack.local import LocalStack
from stack.parts import queue_store
from stack.places import ROOT, new_run_folder, point_latest
from tests.redis_servers import running_redis
from tests.test_data_helper import SEED, Measured, UploadableDocument, shorter, undisturbed, uploadable


@pytest.fixture(scope="session")
async def redis_server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """The URL of a Redis of the session's own, set up as the stack's ledger is."""
    async with running_redis(queue_store, tmp_path_factory.mktemp("redis")) as (part, _):
        yield part.url


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
def folders() -> dict[str, Path]:
    """By scenario, the folders of the runs of this session."""
    return {}


@pytest.fixture(scope="session")
def measured(stack: LocalStack, folders: dict[str, Path]) -> Measured:
    """Runs a scenario whole, once per session, into a folder under `runs/` that stays as the evidence of a report."""

    async def once(name: str) -> tuple[Result, Path]:
        scenario, folder = shorter(load(name)), new_run_folder(name)
        assert not scenario.workload, "it would want a stack of its own"
        with Display(Console(highlight=False)) as display:
            document, progress = default_document(ROOT), Progress(changed=display.show)
            result = await measure(scenario, document, SEED, stack, folder, progress)
        await asyncio.to_thread(shutil.copytree, stack.log_dir, folder / "logs", dirs_exist_ok=True)
        point_latest(folder)
        return result, folder

    async def run(name: str) -> Path:
        if name not in folders:
            _, folders[name] = await undisturbed(lambda: once(name))
        return folders[name]

    return run


@pytest.fixture(scope="session")
def mock_file_context() -> UploadableDocument:
    """The default document as an uploadable file, with the scenes that a video of it must have."""
    return uploadable(default_document(ROOT))
