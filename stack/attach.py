"""Finding the stack that `make up` keeps running, from another process."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from pydantic import BaseModel, ValidationError

from contract.errors import UsageError
from contract.settings import Workload
from stack.local import LocalStack
from stack.places import cache_dir
from stack.ports import LOOPBACK
from stack.readiness import answers, asker
from stack.targets import Targets


class RunningStack(BaseModel):
    """A stack of another process, as that process has described it."""

    owner_pid: int
    owner_started: float
    api_urls: list[str]
    prometheus_url: str
    exporter_url: str
    mocks_url: str
    control_token: str
    redis_url: str
    cache_url: str
    workload: Workload
    data_dir: Path
    targets_dir: Path
    log_dir: Path
    processes: dict[str, int]
    metrics_host: str = LOOPBACK

    @property
    def api_url(self) -> str:
        return self.api_urls[0]

    @property
    def deaths(self) -> list[str]:
        return [name for name, pid in self.processes.items() if not psutil.pid_exists(pid)]

    @property
    def fleet(self) -> None:
        return None

    @property
    def takes_targets(self) -> bool:
        return True

    @property
    def owner_alive(self) -> bool:
        try:
            return bool(psutil.Process(self.owner_pid).create_time() == self.owner_started)
        except psutil.NoSuchProcess:
            return False

    def add_target(self, job: str, instance: str, port: int) -> None:
        Targets(self.targets_dir).add(job, instance, port)

    def remove_target(self, instance: str) -> None:
        Targets(self.targets_dir).remove(instance)

    async def restart_workers(self, workload: Workload) -> list[str]:  # noqa: ARG002 - as every stack has it
        raise UsageError("The workers of a stack that is kept up are not restarted with other settings.")


@contextmanager
def only_one() -> Iterator[None]:
    """Within it, nobody else enters: there is one announced stack. Raises UsageError when somebody is in it already."""
    cache_dir().mkdir(parents=True, exist_ok=True)
    with (cache_dir() / "up.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError("A stack is up already; stop it first (Ctrl-C where it runs).") from None
        yield


@contextmanager
def announced(stack: LocalStack) -> Iterator[None]:
    """Within it, `find_running` finds `stack`, in whichever process it is asked."""
    file = _file()
    own = {"owner_pid": os.getpid(), "owner_started": psutil.Process().create_time()}
    unfinished = file.with_suffix(f".{os.getpid()}.new")
    unfinished.touch(mode=0o600)  # it holds the token
    unfinished.write_text(json.dumps(stack.describe() | own, indent=1))
    unfinished.replace(file)
    try:
        yield
    finally:
        file.unlink(missing_ok=True)


async def find_running() -> RunningStack | None:
    """The announced stack if its owner lives and its API is ready within a second; a stale file is removed."""
    try:
        stack = RunningStack.model_validate_json(_file().read_bytes())
    except FileNotFoundError:
        return None
    except ValidationError:
        _file().unlink(missing_ok=True)
        return None
    if not stack.owner_alive:
        _file().unlink(missing_ok=True)
        return None
    async with asker() as session:
        return stack if await answers(f"{stack.api_url}/readyz", session) else None


def _file() -> Path:
    return cache_dir() / "stack.json"
