"""Each query of the dashboards on a real Prometheus: it can be evaluated, has an answer, and labels for its legend."""

import httpx
import pytest

from tests.dashboards import Target, filled, other_queries, targets
from tests.unit.grafana.conftest import Watched

MAY_BE_EMPTY = {
    "t2v_process_memory_limit_bytes": "where no control group limits the memory",
    "t2v_process_cpu_limit_cores": "where no control group limits the CPU",
}


@pytest.mark.parametrize("target", list(targets()), ids=str)
async def test_a_panel_shows_series_with_the_labels_of_its_legend(watched: Watched, target: Target) -> None:
    series = await watched.ask(target.filled)
    assert series or any(name in target.expr for name in MAY_BE_EMPTY)
    assert all(target.legend_labels <= set(one.labels) for one in series)
    legends = [tuple(one.labels.get(label) for label in sorted(target.legend_labels)) for one in series]
    assert len(set(legends)) == len(legends), "two series of one name"


@pytest.mark.parametrize(("whose", "expr"), [pytest.param(*one, id=one[0]) for one in other_queries()])
async def test_annotations_and_variables_have_answers(watched: Watched, whose: str, expr: str) -> None:
    assert await watched.ask(filled(expr)), whose


async def test_each_rule_can_be_evaluated(watched: Watched) -> None:
    async with httpx.AsyncClient(base_url=watched.url, timeout=60, trust_env=False) as client:
        groups = (await client.get("/api/v1/rules")).json()["data"]["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert len(rules) > 20
    assert {rule["name"]: rule.get("lastError") for rule in rules if rule["health"] != "ok"} == {}
