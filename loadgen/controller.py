"""What the load generator needs of a stack and of Prometheus; the command line hands both in."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from loadgen.faults import Processes


class Controller(Protocol):
    """The stack under test."""

    @property
    def api_url(self) -> str: ...
    @property
    def redis_url(self) -> str:
        """Of the ledger; empty where nobody may look at it."""
        ...

    @property
    def prometheus_url(self) -> str: ...
    @property
    def mocks_url(self) -> str: ...
    @property
    def control_token(self) -> str:
        """With which the mocks take orders; empty where they take none."""
        ...

    @property
    def data_dir(self) -> Path:
        """What service and workers share."""
        ...

    @property
    def deaths(self) -> Sequence[str]:
        """Names of the processes that ended although nobody asked them to."""
        ...

    @property
    def fleet(self) -> Processes | None:
        """What faults act on; None where the stack belongs to somebody else."""
        ...

    @property
    def metrics_host(self) -> str:
        """The address of this machine at which Prometheus reaches a load generator, where it is told of one."""
        ...

    def add_target(self, job: str, instance: str, port: int) -> None:
        """Prometheus scrapes this port of `metrics_host` from now on."""
        ...

    def remove_target(self, instance: str) -> None: ...


class Observer(Protocol):
    """Prometheus, as far as a run needs it."""

    async def settled(self, since: float) -> float:
        """Waits until every process, ours too, was scraped after `since`; that reading's time by Prometheus's clock."""
        ...

    async def clock_skew(self) -> float:
        """Its clock minus ours, in seconds."""
        ...
