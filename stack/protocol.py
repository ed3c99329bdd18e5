"""A stack as those who use it see it, whoever started it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from contract.settings import Workload
from stack.fleet import Accident


class Processes(Protocol):
    """The processes of a stack by name, to be acted on. Each call returns when it is carried out."""

    @property
    def accidents(self) -> Sequence[Accident]: ...
    def members(self, role: str) -> list[str]: ...
    async def step_back(self) -> None:
        """Lets whoever sends the load go first, where the processes can give way."""
        ...

    async def start(self, name: str) -> None: ...
    async def kill(self, name: str) -> None: ...
    async def terminate(self, name: str) -> None: ...
    async def pause(self, name: str) -> None: ...
    async def resume(self, name: str) -> None: ...
    async def lose_power(self, name: str) -> int:
        """The bytes of the log that are gone."""
        ...


class Stack(Protocol):
    @property
    def api_url(self) -> str: ...
    @property
    def api_urls(self) -> Sequence[str]:
        """One per API process; `api_url` is the first."""
        ...

    @property
    def prometheus_url(self) -> str: ...
    @property
    def exporter_url(self) -> str: ...
    @property
    def mocks_url(self) -> str: ...
    @property
    def control_token(self) -> str:
        """With which the mocks take orders; empty where they take none."""
        ...

    @property
    def redis_url(self) -> str:
        """Of the ledger; empty where nobody may look at it."""
        ...

    @property
    def cache_url(self) -> str: ...
    @property
    def workload(self) -> Workload:
        """The one that the stack's processes were started with; its workers, at last."""
        ...

    @property
    def data_dir(self) -> Path: ...
    @property
    def processes(self) -> Mapping[str, int]:
        """Process ids by name."""
        ...

    @property
    def fleet(self) -> Processes | None:
        """To act on its processes; None where another process keeps them."""
        ...

    @property
    def deaths(self) -> Sequence[str]:
        """Names of the processes that ended although nobody asked them to."""
        ...

    @property
    def metrics_host(self) -> str:
        """The address of this machine at which Prometheus reaches those that join it."""
        ...

    def add_target(self, job: str, instance: str, port: int) -> None:
        """Prometheus scrapes `/metrics` at this port of `metrics_host` from now on; `instance` is unique."""
        ...

    def remove_target(self, instance: str) -> None: ...

    @property
    def takes_targets(self) -> bool:
        """Whether Prometheus comes to those that are added."""
        ...

    async def restart_workers(self, workload: Workload) -> Sequence[str]:
        """Once they have ended what they hold; the instances that Prometheus knows them by from now on.

        Raises UsageError where another process keeps the stack.
        """
        ...
