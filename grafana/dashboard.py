"""Dashboards, as Grafana's Classic JSON has them, which file provisioning loads in versions 10 to 13."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from grafana.panels import COLUMNS, DATASOURCE, HEIGHT, Json, Panel

SCHEMA = 39
TAG = "reelbench"

_OURS: Json = {"datasource": DATASOURCE, "enable": True, "hide": False, "step": "1s", "useValueForTime": False}
ANNOTATIONS: list[Json] = [
    {
        "builtIn": 1,
        "datasource": {"type": "grafana", "uid": "-- Grafana --"},
        "enable": True,
        "hide": True,
        "iconColor": "rgba(0, 211, 255, 1)",
        "name": "Annotations & Alerts",
        "type": "dashboard",
    },
    {
        **_OURS,
        "name": "Runs",
        "iconColor": "blue",
        "expr": 't2v_run_phase{phase="measure"} == 1',
        "titleFormat": "A run measures",
        "textFormat": "{{phase}}",
    },
    {
        **_OURS,
        "name": "Verdicts",
        "iconColor": "purple",
        "expr": "t2v_run_verdict_timestamp_seconds * 1000 > 0",
        "useValueForTime": True,
        "titleFormat": "A run ended: {{verdict}}",
        "textFormat": "{{verdict}}",
        "tagKeys": "verdict",
    },
    {
        **_OURS,
        "name": "Faults",
        "iconColor": "red",
        "expr": "t2v_run_faults > 0",
        "titleFormat": "{{kind}} of {{target}}",
        "textFormat": "A fault of processes that the run inflicts",
        "tagKeys": "target,kind",
    },
    {
        **_OURS,
        "name": "Redis away",
        "iconColor": "red",
        "expr": "1 - max(t2v_ledger_up)",
        "titleFormat": "Redis is away",
        "textFormat": "And with it whoever could tell which fault is in force",
    },
    {
        **_OURS,
        "name": "Provider faults",
        "iconColor": "orange",
        "expr": "sum by (provider, kind) (rate(t2v_mock_faults_total[$__rate_interval])) > 0",
        "titleFormat": "{{kind}} of {{provider}}",
        "textFormat": "Calls met a fault that the run asks for",
        "tagKeys": "provider,kind",
    },
    {
        **_OURS,
        "name": "Alerts",
        "enable": False,
        "iconColor": "yellow",
        "expr": 'ALERTS{alertstate="firing"}',
        "titleFormat": "{{alertname}}",
        "textFormat": "{{job}} {{instance}} {{provider}} {{route}}",
        "tagKeys": "severity",
    },
]


def label_variable(name: str, query: str) -> Json:
    """A choice of values of a label, all of them at first."""
    return {
        "name": name,
        "label": name.title(),
        "type": "query",
        "datasource": DATASOURCE,
        "definition": query,
        "query": {"query": query, "refId": name},
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "allValue": ".+",
        "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
        "hide": 0,
        "options": [],
        "regex": "",
        "skipUrlSync": False,
    }


@dataclass(frozen=True, slots=True)
class Row:
    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True)
class Dashboard:
    """`name` is that of its file, and `reelbench-<name>` its uid, which links from elsewhere may rest on."""

    name: str
    description: str
    rows: Sequence[Row]
    variables: Sequence[Json] = ()

    def json(self) -> Json:
        datasource = {
            "name": "datasource",
            "label": "Data source",
            "type": "datasource",
            "query": "prometheus",
            "current": {"selected": False, "text": "Prometheus", "value": "prometheus"},
            "hide": 0,
            "includeAll": False,
            "multi": False,
            "options": [],
            "refresh": 1,
            "regex": "",
            "skipUrlSync": False,
        }
        return {
            "id": None,
            "uid": f"{TAG}-{self.name}",
            "title": f"Reelbench {self.name}",
            "description": self.description,
            "tags": [TAG],
            "schemaVersion": SCHEMA,
            "version": 1,
            "editable": False,
            "graphTooltip": 1,
            "refresh": "5s",
            "time": {"from": "now-15m", "to": "now"},
            "timepicker": {},
            "timezone": "browser",
            "links": [
                {
                    "type": "dashboards",
                    "title": "Reelbench",
                    "tags": [TAG],
                    "asDropdown": False,
                    "includeVars": False,
                    "keepTime": True,
                    "targetBlank": False,
                    "icon": "external link",
                    "tooltip": "",
                    "url": "",
                }
            ],
            "annotations": {"list": ANNOTATIONS},
            "templating": {"list": [datasource, *self.variables]},
            "panels": list(self._panels()),
        }

    def _panels(self) -> Iterator[Json]:
        """Row after row, each panel beside the one before it while there is room."""
        number, y = 1, 0
        for row in self.rows:
            place = {"h": 1, "w": COLUMNS, "x": 0, "y": y}
            yield {
                "id": number,
                "type": "row",
                "title": row.title,
                "collapsed": False,
                "gridPos": place,
                "panels": [],
            }
            number, x, y = number + 1, 0, y + 1
            for panel in row.panels:
                if x + panel.width > COLUMNS:
                    x, y = 0, y + HEIGHT
                yield panel.json(number, x, y)
                number, x = number + 1, x + panel.width
            y += HEIGHT
