"""The stack that `docker compose up` keeps running, seen from the machine that its engine runs on.

The API and Prometheus are asked at their published ports. What no port is published for (the ledger, the mocks' orders)
is reached over the bridge of the containers' network, which only this machine can do, and only where the engine runs on
it: Docker Desktop has it in a virtual machine.
"""

import asyncio
import json
import os
import random
import re
import time
from collections.abc import Sequence
from ipaddress import ip_network
from itertools import count
from pathlib import Path
from typing import Self

from contract.errors import EnvironmentFault, UsageError
from contract.settings import Workload
from stack.docker import Container, ask, containers, docker, inspected, log
from stack.fleet import Accident
from stack.parts import READY_PATHS
from stack.places import ROOT
from stack.readiness import answers, asker

PROJECT = "reelbench"
"""As docker-compose.yml calls it."""
ROLES = ("service", "worker", "exporter", "mocks", "redis", "cache", "prometheus")
"""Services that a scenario needs one of at least."""
PORTS = {"redis": 6379, "cache": 6379}
PORT = 8000
"""Of our own processes, each in a container of its own."""
ADDRESSES = 2**15 - 512
"""In the half of the network from which the engine itself gives none."""
READY_BOUND = 60.0
DRAIN = 40
"""Seconds until a container that is stopped is killed: longer than a worker drains."""
TARGETS = "/prometheus/targets"
"""Where Prometheus looks for those that join it from outside."""
ENVIRONMENT = "import contract.settings as s; print(s.Workload().model_dump_json())"


class ComposeFleet:
    """The containers, to be ill-treated on request: workers by the name that the ledger knows them by."""

    def __init__(self, found: Sequence[Container]) -> None:
        self._containers = {_name(one): one for one in found}
        self._addresses = count(random.randrange(ADDRESSES))  # noqa: S311 - no secret
        self.accidents: list[Accident] = []
        """None: what dies by itself makes a run of this stack INVALID, though the engine starts it again."""

    @property
    def processes(self) -> dict[str, int]:
        return {name: one.pid for name, one in self._containers.items()}

    @property
    def deaths(self) -> list[str]:
        """Containers that do not run, or that the engine has started again by itself."""
        now = {_name(one): one for one in inspected([one.id for one in self._containers.values()])}
        return [
            name
            for name, one in self._containers.items()
            if not now[name].running or now[name].restarts > one.restarts or now[name].started > one.started
        ]

    def url(self, role: str) -> str:
        """Where the first of them answers now."""
        return _url(next(one for one in self._containers.values() if one.service == role))

    def members(self, role: str) -> list[str]:
        return [name for name, one in self._containers.items() if one.service == role]

    async def step_back(self) -> None:
        """Containers keep the priority that the engine gives them."""

    async def kill(self, name: str) -> None:
        await docker("kill", self._containers[name].id)

    async def terminate(self, name: str) -> None:
        await docker("stop", "--time", str(DRAIN), self._containers[name].id)

    async def pause(self, name: str) -> None:
        await docker("pause", self._containers[name].id)

    async def resume(self, name: str) -> None:
        await docker("unpause", self._containers[name].id)

    async def lose_power(self, name: str) -> int:
        """Raises UsageError: it takes a disk that can be looked at."""
        raise UsageError(f"A container cannot lose its power as {name} would have to: stop the compose stack first.")

    async def start(self, name: str) -> None:
        """Until it answers. Raises EnvironmentFault."""
        if self._containers[name].service in READY_PATHS:
            await self._move(self._containers[name])
        await docker("start", self._containers[name].id)
        [one] = await asyncio.to_thread(inspected, [self._containers[name].id])
        self._containers[name] = one
        deadline = time.monotonic() + READY_BOUND
        async with asker() as session:
            while not await answers(_ready_url(one), session):
                if time.monotonic() > deadline:
                    raise EnvironmentFault(f"{name} does not answer {READY_BOUND:g} s after it was started again.")
                await asyncio.sleep(0.05)

    async def _move(self, one: Container) -> None:
        """To an address that nobody has had: by its address Prometheus knows a process, and its counters begin anew."""
        ours = ip_network(f"{one.gateway}/16", strict=False)
        await docker("network", "disconnect", one.network, one.id)
        while True:
            address = str(ours[256 + next(self._addresses) % ADDRESSES])
            try:
                await docker("network", "connect", "--ip", address, "--alias", one.service, one.network, one.id)
            except EnvironmentFault as fault:
                if "already in use" not in str(fault):
                    raise
            else:
                return


class ComposeStack:
    """Use `find_compose`."""

    takes_targets = True

    def __init__(self, found: Sequence[Container], workload: Workload) -> None:
        by_service = {one.service: one for one in reversed(found)}
        self.workload = workload
        self.fleet = ComposeFleet([one for one in found if one.service in ROLES])
        self._prometheus = by_service["prometheus"]
        self._found = found
        self.api_urls = [f"http://{by_service['service'].published}"]
        self.prometheus_url = f"http://{self._prometheus.published}"
        self.redis_url = f"{_url(by_service['redis'])}/0"
        self.cache_url = f"{_url(by_service['cache'])}/0"
        self.control_token = by_service["mocks"].environment.get("T2V_CONTROL_TOKEN", "")
        self.data_dir = Path(by_service["service"].data_dir or "")
        self.metrics_host = self._prometheus.gateway

    @classmethod
    async def of(cls, found: Sequence[Container]) -> Self:
        """Raises EnvironmentFault where the workers do not say what they were told to do."""
        workers = [one for one in found if one.service == "worker"]
        told = json.loads(await docker("exec", workers[0].id, "python", "-c", ENVIRONMENT))
        return cls(found, Workload.model_validate(told | {"workers": len(workers)}))

    @property
    def api_url(self) -> str:
        return self.api_urls[0]

    @property
    def exporter_url(self) -> str:
        return self.fleet.url("exporter")

    @property
    def mocks_url(self) -> str:
        return self.fleet.url("mocks")

    @property
    def processes(self) -> dict[str, int]:
        return self.fleet.processes

    @property
    def deaths(self) -> list[str]:
        return self.fleet.deaths

    def add_target(self, job: str, instance: str, port: int) -> None:
        group = [{"targets": [f"{self.metrics_host}:{port}"], "labels": {"job": job, "instance": instance}}]
        file = f"{TARGETS}/{_plain(instance)}"
        script = f"mkdir -p {TARGETS} && cat > {file}.new && mv {file}.new {file}.json"
        ask("exec", "--interactive", self._prometheus.id, "sh", "-c", script, given=json.dumps(group))

    def remove_target(self, instance: str) -> None:
        ask("exec", self._prometheus.id, "rm", "-f", f"{TARGETS}/{_plain(instance)}.json")

    @property
    def shows_files(self) -> bool:
        """Whether this user may look at what service and workers share; the engine's volumes are root's."""
        return os.access(self.data_dir, os.R_OK | os.X_OK)

    async def restart_workers(self, workload: Workload) -> list[str]:  # noqa: ARG002 - as every stack has it
        raise UsageError("The workers of a compose stack are not restarted with other settings.")

    def save_logs(self, folder: Path, since: float) -> None:
        """What each container has said since then (Unix seconds)."""
        folder.mkdir(parents=True, exist_ok=True)
        for one in self._found:
            (folder / f"{one.name}.log").write_text(log(one.id, since), encoding="utf-8")


async def find_compose(folder: Path = ROOT) -> ComposeStack | None:
    """The stack of the compose project in this folder; None unless all that a scenario needs runs and the API is ready.

    Raises EnvironmentFault where its network cannot be reached.
    """
    project = os.environ.get("COMPOSE_PROJECT_NAME") or PROJECT
    found = [one for one in await asyncio.to_thread(containers, project, str(folder)) if one.running]
    if not {*ROLES} <= {one.service for one in found}:
        return None
    found.sort(key=lambda one: one.name)
    api = next(one for one in found if one.service == "service").published
    async with asker() as session:
        if api is None or not await answers(f"http://{api}/readyz", session):
            return None
        redis = next(one for one in found if one.service == "redis")
        if not await answers(_url(redis), session):
            raise EnvironmentFault(
                "The compose stack is up, but its network cannot be reached from here: scenarios need the engine on "
                "this machine (Linux), not in a virtual one."
            )
    return await ComposeStack.of(found)


def _name(one: Container) -> str:
    return one.hostname if one.service == "worker" else one.name


def _url(one: Container) -> str:
    scheme = "redis" if one.service in PORTS else "http"
    return f"{scheme}://{one.address}:{PORTS.get(one.service, PORT)}"


def _ready_url(one: Container) -> str:
    return f"{_url(one)}{READY_PATHS.get(one.service, '')}"


def _plain(instance: str) -> str:
    """Fit for a file's name in a shell's command."""
    return re.sub(r"[^\w.-]", "_", instance)
