"""What can be watched while a run goes on: the dashboards' panels fill, and each process's metrics are sound."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from contract.catalogue import Phase
from contract.runfolder import RUN, RunInfo
from reporter.prometheus import Prometheus
from stack.local import LocalStack
from tests.dashboards import Target, targets
from tests.promtool import promtool
from tests.test_data_helper import Measured

SCENARIO = "tts-failures"
"""It fills most: calls fail and are made again."""
STEP = 2
AT_ONCE = 4
BOUND = 30.0
"""Seconds; percentiles are recorded every 15."""
EMPTY = {
    "Reelbench overview: Queue, Age (A)": "a free worker takes a job between two readings",
    "Reelbench overview: Pipeline, Errors (C)": "recorded once a minute",
    "Reelbench providers: Circuit breakers, Changes (A)": "retries suffice, and the breakers stay closed",
    "Reelbench providers: Circuit breakers, Probes (A)": "likewise",
    "Reelbench providers: Circuit breakers, Last opened (A)": "likewise",
    "Reelbench reliability: Faults, Faults of processes (A)": "none of its faults is of a process",
    "Reelbench resources: Memory, Share of the limit (A)": "nothing limits the memory of this machine's processes",
    "Reelbench resources: CPU, Cores that a process may use (B)": "nor their CPU time",
}
"""Queries that a run of it may leave without an answer, and why."""


@pytest.fixture(scope="module")
async def begun(measured: Measured) -> float:
    """When the measured load did."""
    folder: Path = await measured(SCENARIO)
    info = RunInfo.model_validate_json((folder / RUN).read_bytes())
    return next(span.start for span in info.phases if span.name is Phase.MEASURE)


@pytest.fixture
async def prometheus(stack: LocalStack) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=stack.prometheus_url, timeout=60, trust_env=False) as client:
        yield client


async def empty(prometheus: httpx.AsyncClient, shown: list[Target], since: float) -> list[Target]:
    """Those that have had no value since then."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def filled(target: Target) -> bool:
        form = {"query": target.filled, "start": since, "end": time.time(), "step": STEP}
        async with gate:
            answer = (await prometheus.post("/api/v1/query_range", data=form)).json()
        assert answer["status"] == "success", (target, answer)
        return any(value != "NaN" for one in answer["data"]["result"] for _, value in one["values"])

    found = await asyncio.gather(*map(filled, shown))
    return [target for target, has_value in zip(shown, found, strict=True) if not has_value]


async def test_no_panel_stays_empty_that_the_run_should_fill(prometheus: httpx.AsyncClient, begun: float) -> None:
    shown = [target for target in targets() if str(target) not in EMPTY]
    deadline = time.monotonic() + BOUND
    while (shown := await empty(prometheus, shown, begun)) and time.monotonic() < deadline:  # noqa: ASYNC110 - it is asked
        await asyncio.sleep(1)
    assert [str(target) for target in shown] == []


async def test_each_alert_and_rule_could_be_evaluated(prometheus: httpx.AsyncClient, begun: float) -> None:
    assert begun
    groups = (await prometheus.get("/api/v1/rules")).json()["data"]["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert {rule["type"] for rule in rules} == {"recording", "alerting"}
    assert {rule["name"]: rule["lastError"] for rule in rules if rule.get("lastError")} == {}


async def test_promtool_finds_nothing_to_say_about_the_metrics_of_any_process(stack: LocalStack) -> None:
    async with Prometheus(stack.prometheus_url) as prometheus, httpx.AsyncClient(timeout=30, trust_env=False) as client:
        found = await prometheus.active_targets()
        ours = [one for one in found if one["labels"]["job"] != "loadgen"]
        assert {one["labels"]["job"] for one in ours} == {"service", "worker", "mocks", "exporter"}
        urls = {one["labels"]["instance"]: one["scrapeUrl"] for one in ours}
        for instance, url in urls.items():
            said = promtool("check", "metrics", given=(await client.get(url)).text)
            assert said == (0, ""), instance
