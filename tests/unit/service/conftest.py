import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from contract.settings import Deployment
from tests.unit.service.fronts import Front, serving

PATIENT = 5.0
"""Seconds for a Redis that is well, on a machine that other tests keep busy."""


@pytest.fixture(scope="session")
async def running_front(redis_server: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Front]:
    data = tmp_path_factory.mktemp("front") / "data"
    async with serving(Deployment(redis_url=redis_server, data_dir=data, redis_timeout=PATIENT)) as front:
        yield front


@pytest.fixture
async def front(running_front: Front, redis_url: str) -> Front:
    """The front end of the session, with an empty Redis and no files."""
    assert redis_url
    for folder in (running_front.data.uploads, running_front.data.artifacts):
        shutil.rmtree(folder)
    running_front.data.create()
    return running_front


@pytest.fixture
def deployment(redis_url: str, tmp_path: Path) -> Deployment:
    """For a front end of a test's own."""
    return Deployment(redis_url=redis_url, data_dir=tmp_path / "data", redis_timeout=PATIENT)
