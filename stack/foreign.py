"""A target of somebody else's: a service and a Prometheus that reads it, and nothing to act on."""

from pathlib import Path

from contract.errors import EnvironmentFault
from contract.settings import Workload
from stack.ports import LOOPBACK
from stack.readiness import answers, asker


class ForeignStack:
    """Use `find_foreign`. What is not known is empty; the workload is that of this machine's environment."""

    control_token = redis_url = cache_url = exporter_url = mocks_url = ""
    fleet = None
    deaths: tuple[str, ...] = ()
    metrics_host = LOOPBACK
    takes_targets = False

    def __init__(self, api_url: str, prometheus_url: str) -> None:
        self.api_url, self.api_urls, self.prometheus_url = api_url, [api_url], prometheus_url
        self.processes: dict[str, int] = {}
        self.workload = Workload()
        self.data_dir = Path()

    def add_target(self, job: str, instance: str, port: int) -> None:
        """Nobody comes."""

    def remove_target(self, instance: str) -> None:
        """As nobody came."""

    async def restart_workers(self, workload: Workload) -> list[str]:
        raise NotImplementedError(workload)  # no scenario that wants it gets here


async def find_foreign(api_url: str, prometheus_url: str) -> ForeignStack:
    """Raises EnvironmentFault where either does not answer."""
    api, prometheus = api_url.rstrip("/"), prometheus_url.rstrip("/")
    async with asker() as session:
        for name, url in (("The target", f"{api}/readyz"), ("Prometheus", f"{prometheus}/-/ready")):
            if not await answers(url, session):
                raise EnvironmentFault(f"{name} does not answer at {url}.")
    return ForeignStack(api, prometheus)
