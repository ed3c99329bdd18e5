"""The docker command line, as far as scenarios need it."""

import asyncio
import json
import shutil
import subprocess
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Self

from pydantic import BaseModel

from contract.errors import EnvironmentFault

BOUND = 60.0
"""Seconds that an order may take; the longest is to stop a worker that drains."""


class Container(BaseModel):
    """What `docker inspect` says of a container that compose has made."""

    id: str
    name: str
    """As `worker-1`."""
    hostname: str
    service: str
    running: bool
    healthy: bool
    pid: int
    restarts: int
    """How often the engine has started it again by itself."""
    started: float
    network: str
    address: str
    gateway: str
    published: str | None
    """host:port of its one published port."""
    environment: dict[str, str]
    data_dir: str | None
    """Where its volume `/data` lies on this machine."""

    @classmethod
    def of(cls, told: Any) -> Self:  # noqa: ANN401 - JSON
        labels, state = told["Config"]["Labels"], told["State"]
        networks: dict[str, dict[str, str]] = told["NetworkSettings"]["Networks"]
        name, network = next(iter(networks.items()), ("", dict[str, str]()))
        ports = [port for bound in (told["NetworkSettings"]["Ports"] or {}).values() for port in bound or ()]
        service, number = (labels[f"com.docker.compose.{key}"] for key in ("service", "container-number"))
        return cls(
            id=told["Id"],
            name=f"{service}-{number}",
            hostname=told["Config"]["Hostname"],
            service=service,
            running=state["Running"],
            healthy=state.get("Health", {}).get("Status", "healthy") == "healthy",
            pid=state["Pid"],
            restarts=told["RestartCount"],
            started=datetime.fromisoformat(state["StartedAt"]).timestamp(),
            network=name,
            address=network.get("IPAddress", ""),
            gateway=network.get("Gateway", ""),
            published=f"{ports[0]['HostIp']}:{ports[0]['HostPort']}" if ports else None,
            environment=dict(entry.split("=", 1) for entry in told["Config"]["Env"] or ()),
            data_dir=next((one["Source"] for one in told["Mounts"] if one["Destination"] == "/data"), None),
        )


async def docker(*args: str, given: str = "", bound: float = BOUND) -> str:
    """What the command prints; `given` is its standard input. Raises EnvironmentFault with what it complains of."""
    return await asyncio.to_thread(ask, *args, given=given, bound=bound)


def ask(*args: str, given: str = "", bound: float = BOUND) -> str:
    """As `docker`, for those who may wait."""
    command = f"docker {' '.join(args[:2])}"
    try:
        done = subprocess.run(  # noqa: S603 - no shell, and the arguments are ours
            ["docker", *args],  # noqa: S607 - the user's own
            input=given,
            capture_output=True,
            text=True,
            timeout=bound,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EnvironmentFault(f"`{command}` could not be carried out: {error}") from None
    if done.returncode:
        raise EnvironmentFault(f"`{command}` failed: {done.stderr.strip()[-500:]}")
    return done.stdout


def log(container: str, since: float) -> str:
    """What it has said since then (Unix seconds), on both of its streams. Raises EnvironmentFault."""
    try:
        done = subprocess.run(  # noqa: S603 - as above
            ["docker", "logs", "--since", f"{since:.0f}", "--timestamps", container],  # noqa: S607 - as above
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=BOUND,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EnvironmentFault(f"`docker logs` could not be carried out: {error}") from None
    return done.stdout


def containers(project: str, folder: str) -> list[Container]:
    """Of the compose project of this name in this folder, ended ones too; none where there is no engine.

    Raises EnvironmentFault.
    """
    if shutil.which("docker") is None:
        return []
    labels = (f"project={project}", f"project.working_dir={folder}", "oneoff=False")
    filters = [word for label in labels for word in ("--filter", f"label=com.docker.compose.{label}")]
    try:
        ids = ask("ps", "--all", "--quiet", *filters, bound=10.0).split()
    except EnvironmentFault:  # no engine runs, or it is not for this user
        return []
    return inspected(ids)


def inspected(ids: Sequence[str]) -> list[Container]:
    """Raises EnvironmentFault, also where one of them is gone."""
    return [Container.of(told) for told in json.loads(ask("inspect", *ids))] if ids else []
