from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.unit.mocks.faults import Mock, obedient
from tests.unit.mocks.server import running


@pytest.fixture(scope="module")
def _mock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """The address and the data folder of a mock that takes orders; its latency is about 20 ms."""
    data_dir = tmp_path_factory.mktemp("data")
    with running(**obedient(data_dir, "0.02", "0.002")) as (_, url):
        yield url, data_dir


@pytest.fixture
async def mock(_mock: tuple[str, Path]) -> AsyncIterator[Mock]:
    """Without a plan in force."""
    async with Mock.at(*_mock) as mock:
        yield mock
