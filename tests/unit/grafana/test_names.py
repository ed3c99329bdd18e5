"""Each metric that is asked for exists, and each that exists is looked at by somebody."""

import re
from pathlib import Path

from reporter.queries import QUERIES
from tests.dashboards import other_queries, targets
from tests.metric_names import asked_for, known_names, recorded

PROMETHEUS = Path(__file__).resolve().parents[3] / "prometheus"
UNSEEN: dict[str, str] = {}
"""Metrics that neither a dashboard nor an alert shows, and why."""
ON_DASHBOARDS = "\n".join([*(target.expr for target in targets()), *(expr for _, expr in other_queries())])
ALERTS = "\n".join(re.sub(r"#.*", "", path.read_text()) for path in PROMETHEUS.glob("alerts/*.yml"))
RULES = "\n".join(path.read_text() for path in PROMETHEUS.glob("rules/*.yml"))
RECORDED = set(re.findall(r"record: (\S+)", RULES))


def families(names: set[str]) -> set[str]:
    """A histogram is one metric."""
    return {re.sub(r"_seconds_(bucket|sum|count)$", "_seconds", name) for name in names}


def test_each_metric_on_a_dashboard_exists() -> None:
    assert asked_for(ON_DASHBOARDS) <= known_names()
    assert recorded(ON_DASHBOARDS) <= RECORDED


def test_each_metric_is_on_a_dashboard_or_it_is_said_why_not() -> None:
    assert families(known_names()) - families(asked_for(ON_DASHBOARDS)) == set(UNSEEN)


def test_each_recorded_series_is_read_by_an_alert_or_a_dashboard() -> None:
    """A rule that nobody reads costs time in the stack that is measured."""
    assert recorded(ON_DASHBOARDS + ALERTS) == RECORDED


def test_each_metric_that_a_report_asks_for_is_on_a_dashboard_too() -> None:
    asked = set[str]().union(*(asked_for(query.expr) for query in QUERIES))
    assert families(asked) <= families(asked_for(ON_DASHBOARDS))
