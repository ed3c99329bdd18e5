import sys
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

import pytest

from stack.local import LocalStack
from stack.parts import COMMANDS

STANDIN = Path(__file__).with_name("standin.py")
STANDIN_COMMANDS: Mapping[str, tuple[str, ...]] = {job: (sys.executable, str(STANDIN), job) for job in COMMANDS}


@pytest.fixture
def new_stack(tmp_path: Path) -> Callable[..., LocalStack]:
    """Makes stacks of real stores, a real Prometheus and stand-ins for our own processes."""

    def make(name: str = "logs", **options: object) -> LocalStack:
        return LocalStack(tmp_path / name, **({"commands": STANDIN_COMMANDS} | options))  # type: ignore[arg-type] # passed on as they are

    return make


@pytest.fixture(scope="session")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[LocalStack]:
    async with LocalStack(tmp_path_factory.mktemp("logs"), commands=STANDIN_COMMANDS) as running:
        yield running
