"""A compose stack as the engine describes it, without an engine: `make test-compose` has a real one."""

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from contract.errors import EnvironmentFault, UsageError
from contract.settings import Workload
from stack.compose import ROLES, ComposeFleet, ComposeStack, find_compose
from stack.docker import Container, ask, containers

STARTED = "2026-01-02T03:04:05.123456789Z"


def told(service: str, number: int = 1, **changes: Any) -> dict[str, Any]:
    """What `docker inspect` says of a container, as far as it matters."""
    return {
        "Id": f"{service}{number}",
        "RestartCount": 0,
        "State": {"Running": True, "Pid": 4711, "StartedAt": STARTED, "Health": {"Status": "healthy"}},
        "Config": {
            "Labels": {"com.docker.compose.service": service, "com.docker.compose.container-number": str(number)},
            "Hostname": f"host-{number}",
            "Env": ["T2V_CONTROL_TOKEN=a=b", "PATH=/bin"],
        },
        "NetworkSettings": {
            "Ports": {"8000/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8123"}], "9/tcp": None},
            "Networks": {"inside": {"IPAddress": "172.29.128.9", "Gateway": "172.29.0.1"}},
        },
        "Mounts": [{"Destination": "/data", "Source": "/volumes/data"}],
    } | changes


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A `docker` that answers from the files `ps` and `inspect` in this folder, and notes what it is asked."""
    program = tmp_path / "docker"
    program.write_text(
        f'#!/bin/sh\necho "$@" >> {tmp_path}/asked\n'
        f'test -e {tmp_path}/$1 || {{ echo "no $1 today" >&2; exit 1; }}\ncat {tmp_path}/$1\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    return tmp_path


def described(engine: Path, *every: dict[str, Any]) -> None:
    (engine / "ps").write_text("\n".join(one["Id"] for one in every))
    (engine / "inspect").write_text(json.dumps(every))


def test_a_container_is_what_the_engine_says_of_it() -> None:
    one = Container.of(told("worker", 3))
    assert (one.name, one.service, one.address, one.gateway) == ("worker-3", "worker", "172.29.128.9", "172.29.0.1")
    assert (one.published, one.data_dir) == ("127.0.0.1:8123", "/volumes/data")
    assert one.environment["T2V_CONTROL_TOKEN"] == "a=b"
    assert one.healthy


def test_a_project_is_found_by_its_name_and_folder(engine: Path) -> None:
    described(engine, told("redis"), told("worker", 2))
    assert [one.name for one in containers("ours", "/somewhere")] == ["redis-1", "worker-2"]
    asked = (engine / "asked").read_text()
    assert "label=com.docker.compose.project=ours" in asked
    assert "label=com.docker.compose.project.working_dir=/somewhere" in asked


def test_without_an_engine_there_are_no_containers(engine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert containers("ours", "/somewhere") == []
    monkeypatch.setenv("PATH", str(engine / "nothing"))
    assert containers("ours", "/somewhere") == []


async def test_a_project_that_lacks_a_role_is_no_stack(engine: Path) -> None:
    described(engine, *(told(role) for role in ROLES if role != "worker"))
    assert await find_compose(engine) is None


def test_an_order_that_fails_says_what_the_engine_complained_of(engine: Path) -> None:
    assert engine.exists()
    with pytest.raises(EnvironmentFault, match=r"^`docker kill abc` failed: no kill today$"):
        ask("kill", "abc")


@pytest.mark.parametrize(
    ("changes", "dead"),
    [
        ({}, []),
        ({"RestartCount": 1}, ["host-1"]),
        ({"State": {"Running": False, "Pid": 0, "StartedAt": STARTED}}, ["host-1"]),
        ({"State": {"Running": True, "Pid": 9, "StartedAt": STARTED.replace(":05", ":59")}}, ["host-1"]),
    ],
    ids=["none", "started again by the engine", "ended", "started again by somebody"],
)
def test_a_container_that_ended_without_an_order_is_a_death(
    engine: Path, changes: dict[str, Any], dead: list[str]
) -> None:
    fleet = ComposeFleet([Container.of(told("redis")), Container.of(told("worker"))])
    described(engine, told("redis"), told("worker", **changes))
    assert fleet.deaths == dead


async def test_orders_are_for_one_container_and_members_go_by_service(engine: Path) -> None:
    for order in ("kill", "stop", "pause", "unpause"):
        (engine / order).touch()
    fleet = ComposeFleet([Container.of(told("worker", number)) for number in (1, 2)])
    assert fleet.members("worker") == ["host-1", "host-2"]
    await fleet.kill("host-2")
    await fleet.terminate("host-1")
    await fleet.pause("host-1")
    await fleet.resume("host-1")
    asked = (engine / "asked").read_text().splitlines()
    assert asked == ["kill worker2", "stop --time 40 worker1", "pause worker1", "unpause worker1"]
    with pytest.raises(UsageError, match="cannot lose its power"):
        await fleet.lose_power("redis-1")


async def test_one_that_is_started_again_gets_an_address_that_nobody_has_had(
    engine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else its counters would go back within one series."""
    for order in ("network", "start"):
        (engine / order).touch()

    async def at_once(*_: object) -> bool:
        return True

    monkeypatch.setattr("stack.compose.answers", at_once)
    fleet = ComposeFleet([Container.of(told("worker"))])
    described(engine, told("worker"))
    for _ in range(2):
        await fleet.start("host-1")
    connected = re.findall(r"network connect --ip (\S+) --alias worker inside worker1", (engine / "asked").read_text())
    assert len(set(connected)) == 2
    assert all(0 < int(address.split(".")[2]) < 128 for address in connected)


def test_a_volume_that_cannot_be_read_is_not_taken_for_an_empty_one(tmp_path: Path) -> None:
    def shown(place: Path) -> bool:
        mounts = [{"Destination": "/data", "Source": str(place)}]
        return ComposeStack([Container.of(told(role, Mounts=mounts)) for role in ROLES], Workload()).shows_files

    assert shown(tmp_path)
    assert not shown(tmp_path / "of-another-user")
