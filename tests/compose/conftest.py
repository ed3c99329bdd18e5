"""The stack of docker-compose.yml, brought up once for these tests under a name and in a network of its own."""

import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from stack.docker import Container, containers
from stack.places import ROOT

WORKERS = 2
UP_BOUND = 300
"""Seconds, of which most is to build the image the first time."""

Compose = Callable[..., str]


def without_engine() -> str | None:
    """Why these tests cannot be made."""
    if shutil.which("docker") is None:
        return "docker is not installed"
    for command in (["docker", "compose", "version"], ["docker", "info"]):
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
        if done.returncode:
            return f"`{' '.join(command)}` fails: {done.stderr.strip()[-200:]}"
    return None


@pytest.fixture(scope="session")
def project() -> Mapping[str, str]:
    """The environment of a project that gets in nobody's way: any free ports, and a subnet of its own."""
    if reason := without_engine():
        pytest.skip(f"needs a container engine: {reason}")
    return {
        "COMPOSE_PROJECT_NAME": f"reelbench-test-{secrets.token_hex(3)}",
        "COMPOSE_FILE": str(ROOT / "docker-compose.yml"),
        "T2V_CONTROL_TOKEN": secrets.token_hex(16),
        "REELBENCH_SUBNET": "198.18",  # set aside for benches (RFC 2544), so nobody's network
        "REELBENCH_API_PORT": "0",
        "REELBENCH_PROMETHEUS_PORT": "0",
        "REELBENCH_GRAFANA_PORT": "0",
    }


@pytest.fixture(scope="session")
def compose(project: Mapping[str, str]) -> Iterator[Compose]:
    """`docker compose` on the running project; it is gone afterwards, volumes and all."""

    def run(*args: str, bound: float = 120) -> str:
        done = subprocess.run(
            ["docker", "compose", *args],
            cwd=ROOT,
            env=os.environ | project,
            capture_output=True,
            text=True,
            timeout=bound,
            check=False,
        )
        assert done.returncode == 0, f"docker compose {' '.join(args)}: {done.stderr[-3000:]}"
        return done.stdout

    try:
        run("up", "--detach", "--build", "--wait", "--scale", f"worker={WORKERS}", bound=UP_BOUND)
        yield run
    finally:
        run("down", "--volumes", "--timeout", "10")
        assert left_behind(project["COMPOSE_PROJECT_NAME"]) == []


def left_behind(name: str) -> list[str]:
    label = f"label=com.docker.compose.project={name}"
    listings = (["ps", "--all"], ["volume", "ls"], ["network", "ls"])
    asked = [["docker", *listing, "--quiet", "--filter", label] for listing in listings]
    return [
        word for one in asked for word in subprocess.run(one, capture_output=True, text=True, check=True).stdout.split()
    ]


@pytest.fixture
def parts(compose: Compose, project: Mapping[str, str]) -> list[Container]:  # noqa: ARG001 - it has to run
    return containers(project["COMPOSE_PROJECT_NAME"], str(ROOT))


@pytest.fixture
def scenario(compose: Compose, project: Mapping[str, str], tmp_path: Path) -> Callable[..., str]:  # noqa: ARG001
    """What `python -m cli scenario` prints, of a run that uses this project."""

    def run(*args: str) -> str:
        places = {
            "REELBENCH_CACHE": str(tmp_path / "cache"),
            "REELBENCH_RUNS": str(tmp_path / "runs"),
            "REELBENCH_REPORTS": str(tmp_path / "reports"),
            "COLUMNS": "200",
        }
        done = subprocess.run(
            [sys.executable, "-m", "cli", "scenario", *args],
            cwd=ROOT,
            env=os.environ | project | places,
            capture_output=True,
            text=True,
            timeout=170,
            check=False,
        )
        assert done.returncode == 0, f"exit status {done.returncode}\n{done.stdout}\n{done.stderr[-3000:]}"
        assert "using the compose stack" in done.stderr
        return done.stdout

    return run
