"""Panels, as Grafana's Classic JSON has them: what is on one is said here once, how it looks by its kind."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from string import ascii_uppercase
from typing import Any

Json = dict[str, Any]
DATASOURCE: Json = {"type": "prometheus", "uid": "${datasource}"}
"""The dashboard's variable."""
HEIGHT = 8
COLUMNS = 24


@dataclass(frozen=True, slots=True)
class Line:
    """A query and how each series of its answer is called, with `{{label}}` for the value of a label."""

    expr: str
    legend: str


@dataclass(frozen=True, slots=True)
class Panel:
    """Use `graph`, `stat` or `timeline`. The unit is one of Grafana's; `width` in columns, of which there are 24."""

    type: str
    title: str
    description: str
    unit: str
    lines: tuple[Line, ...]
    width: int
    instant: bool = False
    defaults: Json = field(default_factory=dict)
    overrides: tuple[Json, ...] = ()
    options: Json = field(default_factory=dict)

    def json(self, number: int, x: int, y: int) -> Json:
        return {
            "id": number,
            "type": self.type,
            "title": self.title,
            "description": self.description,
            "datasource": DATASOURCE,
            "gridPos": {"h": HEIGHT, "w": self.width, "x": x, "y": y},
            "fieldConfig": {"defaults": {"unit": self.unit, **self.defaults}, "overrides": list(self.overrides)},
            "options": self.options,
            "targets": [
                {
                    "refId": letter,
                    "datasource": DATASOURCE,
                    "editorMode": "code",
                    "expr": line.expr,
                    "legendFormat": line.legend,
                    "instant": self.instant,
                    "range": not self.instant,
                }
                for letter, line in zip(ascii_uppercase, self.lines, strict=False)
            ],
        }


def graph(title: str, description: str, unit: str, *lines: Line, stacked: bool = False, width: int = 8) -> Panel:
    """Series over time, none of them below 0."""
    custom = {
        "drawStyle": "line",
        "lineWidth": 1,
        "fillOpacity": 30 if stacked else 8,
        "showPoints": "never",
        "spanNulls": False,
        "stacking": {"mode": "normal" if stacked else "none", "group": "A"},
    }
    legend = {"displayMode": "table", "placement": "bottom", "showLegend": True, "calcs": ["lastNotNull", "max"]}
    return Panel(
        "timeseries",
        title,
        description,
        unit,
        lines,
        width,
        defaults={"min": 0, "color": {"mode": "palette-classic"}, "custom": custom},
        options={"legend": legend, "tooltip": {"mode": "multi", "sort": "desc"}},
    )


def stat(
    title: str,
    description: str,
    unit: str,
    *lines: Line,
    shows: str = "value",
    colors: Mapping[str, str] | None = None,
    none: str = "no data",
    width: int = 6,
) -> Panel:
    """The newest value of each series; `shows` is `value`, `name` or `value_and_name`, `colors` goes by name."""
    return Panel(
        "stat",
        title,
        description,
        unit,
        lines,
        width,
        instant=True,
        defaults={"noValue": none, "color": {"mode": "fixed", "fixedColor": "blue"}},
        overrides=tuple(_color(name, color) for name, color in (colors or {}).items()),
        options={
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
            "textMode": shows,
            "colorMode": "background",
            "graphMode": "none",
            "justifyMode": "auto",
            "orientation": "auto",
        },
    )


def timeline(
    title: str, description: str, *lines: Line, states: Mapping[int, tuple[str, str]], width: int = 12
) -> Panel:
    """A bar per series that says its state over time: `states` has the text and the colour of each value."""
    mapping = {str(value): {"text": text, "color": color} for value, (text, color) in states.items()}
    return Panel(
        "state-timeline",
        title,
        description,
        "none",
        lines,
        width,
        defaults={
            "mappings": [{"type": "value", "options": mapping}],
            "color": {"mode": "fixed", "fixedColor": "transparent"},
            "custom": {"fillOpacity": 80, "lineWidth": 0},
        },
        options={
            "showValue": "auto",
            "mergeValues": True,
            "rowHeight": 0.8,
            "alignValue": "left",
            "legend": {"displayMode": "list", "placement": "bottom", "showLegend": False},
            "tooltip": {"mode": "single", "sort": "none"},
        },
    )


def _color(name: str, color: str) -> Json:
    fixed = {"mode": "fixed", "fixedColor": color}
    return {"matcher": {"id": "byName", "options": name}, "properties": [{"id": "color", "value": fixed}]}
