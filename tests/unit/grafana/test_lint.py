"""The rules of Grafana's dashboard-linter (github.com/grafana/dashboard-linter) that concern Prometheus, by its names.

`target-promql-rule` is kept by test_live.py, where a real Prometheus parses each query. Of the rules on `job` and
`instance` this is left out: they hold for metrics that every process answers. All others come from one kind of process,
and the sum over its instances is what is shown.
"""

import copy
import re
from collections.abc import Callable, Iterator

import pytest

from tests.dashboards import Json, dashboards, panels

UNITS = {
    *("none", "short", "percentunit", "bytes", "currencyUSD"),
    *("s", "dateTimeAsIso", "dateTimeFromNow"),
    *("Bps", "ops", "reqps"),
}
"""Those of Grafana's that we use: its list is in packages/grafana-data/src/valueFormats/categories.ts."""
TOTALS_SINCE_THE_LEDGER_BEGAN = {"Accepted and unaccounted for", "Quarantined"}
"""Panels that show totals on purpose: these outlast every process, and a balance of rates would hide what is lost."""
OF_EVERY_PROCESS = "t2v_process_"
DATASOURCE = "${datasource}"


def exprs(dashboard: Json) -> Iterator[tuple[str, str]]:
    for panel in panels(dashboard):
        yield from ((panel["title"], target["expr"]) for target in panel["targets"])


def variables(dashboard: Json, kind: str) -> list[Json]:
    return [one for one in dashboard["templating"]["list"] if one["type"] == kind]


def shows_processes(dashboard: Json) -> bool:
    return any(OF_EVERY_PROCESS in expr for _, expr in exprs(dashboard))


def template_datasource_rule(dashboard: Json) -> Iterator[str]:
    found = [(one["name"], one["label"], one["query"]) for one in variables(dashboard, "datasource")]
    if found != [("datasource", "Data source", "prometheus")]:
        yield f"data sources {found}"


def template_variable(dashboard: Json, name: str) -> Iterator[str]:
    if not shows_processes(dashboard):
        return
    found = [one for one in variables(dashboard, "query") if one["name"] == name]
    if [(one["label"].lower(), one["multi"], one["allValue"], one["datasource"]["uid"]) for one in found] != [
        (name, True, ".+", DATASOURCE)
    ]:
        yield f"{name}: {found}"


def template_job_rule(dashboard: Json) -> Iterator[str]:
    yield from template_variable(dashboard, "job")


def template_instance_rule(dashboard: Json) -> Iterator[str]:
    yield from template_variable(dashboard, "instance")


def template_label_promql_rule(dashboard: Json) -> Iterator[str]:
    for one in variables(dashboard, "query"):
        if not re.fullmatch(r"label_values\(\w+({.+})?, \w+\)", one["query"]["query"]):
            yield one["name"]


def template_on_time_change_reload_rule(dashboard: Json) -> Iterator[str]:
    yield from (one["name"] for one in variables(dashboard, "query") if one["refresh"] != 2)


def uneditable_dashboard_rule(dashboard: Json) -> Iterator[str]:
    if dashboard["editable"]:
        yield "editable"


def panel_datasource_rule(dashboard: Json) -> Iterator[str]:
    for panel in panels(dashboard):
        if {one["datasource"]["uid"] for one in (panel, *panel["targets"])} != {DATASOURCE}:
            yield panel["title"]


def panel_title_description_rule(dashboard: Json) -> Iterator[str]:
    yield from (
        panel["title"] or "no title" for panel in panels(dashboard) if not (panel["title"] and panel["description"])
    )


def panel_units_rule(dashboard: Json) -> Iterator[str]:
    yield from (panel["title"] for panel in panels(dashboard) if panel["fieldConfig"]["defaults"]["unit"] not in UNITS)


def panel_no_targets_rule(dashboard: Json) -> Iterator[str]:
    for panel in panels(dashboard):
        if not panel["targets"] or not all(target["expr"] for target in panel["targets"]):
            yield panel["title"]


def target_rate_interval_rule(dashboard: Json) -> Iterator[str]:
    for title, expr in exprs(dashboard):
        ranges = set(re.findall(r"\brate\([^\[]*\[([^\]]+)\]", expr))
        if ranges - {"$__rate_interval"} or re.search(r"\b(irate|increase)\(", expr):
            yield f"{title}: {expr}"


def target_matcher(dashboard: Json, label: str) -> Iterator[str]:
    for title, expr in exprs(dashboard):
        selectors = re.findall(rf"{OF_EVERY_PROCESS}\w+(?:{{([^}}]*)}})?", expr)
        if not all(f'{label}=~"${label}"' in matchers for matchers in selectors):
            yield f"{title}: {expr}"


def target_job_rule(dashboard: Json) -> Iterator[str]:
    yield from target_matcher(dashboard, "job")


def target_instance_rule(dashboard: Json) -> Iterator[str]:
    yield from target_matcher(dashboard, "instance")


def target_counter_agg_rule(dashboard: Json) -> Iterator[str]:
    for title, expr in exprs(dashboard):
        counters = re.findall(r"\w+_total\b", expr)
        rates = re.findall(r"rate\(\w+_total\b", expr)
        if len(counters) != len(rates) and title not in TOTALS_SINCE_THE_LEDGER_BEGAN:
            yield f"{title}: {expr}"


Rule = Callable[[Json], Iterator[str]]
RULES: list[Rule] = [
    template_datasource_rule,
    template_job_rule,
    template_instance_rule,
    template_label_promql_rule,
    template_on_time_change_reload_rule,
    uneditable_dashboard_rule,
    panel_datasource_rule,
    panel_title_description_rule,
    panel_units_rule,
    panel_no_targets_rule,
    target_rate_interval_rule,
    target_job_rule,
    target_instance_rule,
    target_counter_agg_rule,
]


def of(rule: Rule) -> str:
    return rule.__name__.replace("_", "-")


@pytest.mark.parametrize("rule", RULES, ids=of)
def test_no_dashboard_breaks_a_rule(rule: Rule) -> None:
    found = dashboards()
    assert len(found) == 6
    assert {one["title"]: offences for one in found if (offences := list(rule(one)))} == {}


def spoil_variable(dashboard: Json, name: str, **fields: object) -> None:
    next(one for one in dashboard["templating"]["list"] if one["name"] == name).update(fields)


def spoil_expr(dashboard: Json, old: str, new: str) -> None:
    target = next(one for panel in panels(dashboard) for one in panel["targets"] if old in one["expr"])
    target["expr"] = target["expr"].replace(old, new, 1)


SPOILT: dict[Rule, Callable[[Json], object]] = {
    template_datasource_rule: lambda one: spoil_variable(one, "datasource", query="loki"),
    template_job_rule: lambda one: spoil_variable(one, "job", multi=False),
    template_instance_rule: lambda one: spoil_variable(one, "instance", label="Process"),
    template_label_promql_rule: lambda one: spoil_variable(one, "job", query={"query": "up"}),
    template_on_time_change_reload_rule: lambda one: spoil_variable(one, "job", refresh=1),
    uneditable_dashboard_rule: lambda one: one.update(editable=True),
    panel_datasource_rule: lambda one: panels(one)[0]["targets"][0].update(datasource={"uid": "prometheus"}),
    panel_title_description_rule: lambda one: panels(one)[0].update(description=""),
    panel_units_rule: lambda one: panels(one)[0]["fieldConfig"]["defaults"].update(unit="parsecs"),
    panel_no_targets_rule: lambda one: panels(one)[0].update(targets=[]),
    target_rate_interval_rule: lambda one: spoil_expr(one, "$__rate_interval", "5m"),
    target_job_rule: lambda one: spoil_expr(one, 'job=~"$job", ', ""),
    target_instance_rule: lambda one: spoil_expr(one, ', instance=~"$instance"', ""),
    target_counter_agg_rule: lambda one: spoil_expr(one, "rate(", "max_over_time("),
}


@pytest.mark.parametrize("rule", RULES, ids=of)
def test_a_dashboard_that_breaks_a_rule_is_seen(rule: Rule) -> None:
    dashboard = copy.deepcopy(next(one for one in dashboards() if shows_processes(one)))
    SPOILT[rule](dashboard)
    assert list(rule(dashboard))
