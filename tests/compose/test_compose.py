"""The stack of docker-compose.yml on a real engine: it comes up, is measured, is hurt, and leaves nothing."""

import asyncio
from collections import Counter
from collections.abc import Callable

import httpx
import pytest

from stack.docker import Container
from stack.places import ROOT
from tests.compose.conftest import WORKERS, Compose

pytestmark = pytest.mark.timeout(400)  # the first one builds the image

OURS = {"service", "worker", "exporter", "mocks"}


def published(parts: list[Container], service: str) -> str:
    [address] = [one.published for one in parts if one.service == service]
    assert address
    return f"http://{address}"


def test_every_container_is_healthy(parts: list[Container]) -> None:
    assert Counter(one.service for one in parts)["worker"] == WORKERS
    assert [one.name for one in parts if not (one.running and one.healthy)] == []


def test_only_the_api_prometheus_and_grafana_are_published_and_only_here(parts: list[Container]) -> None:
    assert {one.service for one in parts if one.published} == {"service", "prometheus", "grafana"}
    assert all(one.published.startswith("127.0.0.1:") for one in parts if one.published)


def test_our_processes_can_change_nothing_but_their_data(compose: Compose) -> None:
    for service in sorted(OURS):
        script = "id -u; grep CapEff /proc/self/status; touch /app/x 2>/dev/null || echo read-only"
        user, capabilities, root = compose("exec", "-T", service, "sh", "-c", script).splitlines()
        assert user == "10001"
        assert int(capabilities.split()[1], 16) == 0
        assert root == "read-only"


async def test_prometheus_reads_each_process(parts: list[Container]) -> None:
    expected = Counter({one: sum(part.service == one for part in parts) for one in OURS}) + Counter({"redis": 2})
    async with (
        httpx.AsyncClient(base_url=published(parts, "prometheus"), trust_env=False) as prometheus,
        asyncio.timeout(30),
    ):
        while True:
            answer = (await prometheus.get("/api/v1/query", params={"query": "up == 1"})).json()
            if Counter(one["metric"]["job"] for one in answer["data"]["result"]) == expected:
                return
            await asyncio.sleep(0.5)


def test_grafana_is_given_its_datasource_and_its_dashboards(compose: Compose, parts: list[Container]) -> None:
    found = compose(
        "exec", "-T", "grafana", "find", "/etc/grafana/provisioning", "/etc/grafana/dashboards", "-type", "f"
    )
    assert "/etc/grafana/provisioning/datasources/prometheus.yml" in found
    assert "/etc/grafana/dashboards/overview.json" in found
    grafana = published(parts, "grafana")
    health = httpx.get(f"{grafana}/api/health", trust_env=False)
    assert health.status_code == 200
    if health.json()["version"] != "stand-in":  # a real one says what it made of them
        shown = httpx.get(f"{grafana}/api/search", params={"type": "dash-db"}, trust_env=False).json()
        assert len(shown) == len(list((ROOT / "grafana" / "dashboards").glob("*.json")))


def test_a_scenario_finds_the_stack_and_passes(scenario: Callable[..., str]) -> None:
    assert "verdict pass" in scenario("single", "--jobs", "12", "--seed", "1")


def test_workers_that_are_killed_lose_nothing(scenario: Callable[..., str]) -> None:
    told = scenario("worker-crash", "--jobs", "60", "--seed", "1")
    assert "verdict pass" in told
