"""The committed dashboards as Grafana reads them, and their queries with the variables filled in."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Json = dict[str, Any]
FOLDER = Path(__file__).resolve().parents[1] / "grafana" / "dashboards"
VARIABLES = {"$__rate_interval": "1m", "$__range": "1m", "$job": ".+", "$instance": ".+"}


@dataclass(frozen=True)
class Target:
    """A query of a panel."""

    dashboard: str
    panel: str
    letter: str
    expr: str
    legend: str

    def __str__(self) -> str:
        return f"{self.dashboard}: {self.panel} ({self.letter})"

    @property
    def filled(self) -> str:
        return filled(self.expr)

    @property
    def legend_labels(self) -> set[str]:
        return set(re.findall(r"{{(\w+)}}", self.legend))


def filled(expr: str) -> str:
    for name, value in VARIABLES.items():
        expr = expr.replace(name, value)
    assert "$" not in expr, "a variable that nobody fills"
    return expr


def dashboards() -> list[Json]:
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.json"))]


def panels(dashboard: Json) -> list[Json]:
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def targets() -> Iterator[Target]:
    for dashboard in dashboards():
        row = ""
        for panel in dashboard["panels"]:
            if panel["type"] == "row":
                row = panel["title"]
            for target in panel.get("targets", ()):
                name = f"{row}, {panel['title']}"
                yield Target(dashboard["title"], name, target["refId"], target["expr"], target["legendFormat"])


def other_queries() -> Iterator[tuple[str, str]]:
    """Of annotations and variables: whose each is, and what it asks."""
    for dashboard in dashboards():
        for one in dashboard["annotations"]["list"]:
            if "expr" in one:
                yield f"{dashboard['title']}: {one['name']}", one["expr"]
        for one in dashboard["templating"]["list"]:
            if one["type"] == "query":
                yield (
                    f"{dashboard['title']}: ${one['name']}",
                    re.sub(r"label_values\((.+), \w+\)", r"\1", one["definition"]),
                )
