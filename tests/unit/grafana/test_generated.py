"""The committed JSON is what the definitions make, and nothing else."""

from pathlib import Path

from grafana.__main__ import DASHBOARDS, write
from tests.dashboards import FOLDER, dashboards, panels


def test_the_committed_dashboards_are_those_that_are_made_anew(tmp_path: Path) -> None:
    """Byte by byte; one edited by hand is seen: `make dashboards` writes them."""
    write(tmp_path / "new")
    made = {path.name: path.read_bytes() for path in (tmp_path / "new").iterdir()}
    assert {path.name: path.read_bytes() for path in FOLDER.iterdir()} == made
    assert sorted(made) == [
        f"{name}.json" for name in ("load", "overview", "pipeline", "providers", "reliability", "resources")
    ]


def test_links_to_a_dashboard_can_rest_on_its_uid() -> None:
    assert {dashboard["uid"] for dashboard in dashboards()} == {f"reelbench-{one.name}" for one in DASHBOARDS}
    assert all(dashboard["id"] is None for dashboard in dashboards())


def test_no_panel_covers_another_and_each_has_a_number_of_its_own() -> None:
    for dashboard in dashboards():
        numbers = [panel["id"] for panel in dashboard["panels"]]
        assert len(set(numbers)) == len(numbers)
        cells = [
            (x, y)
            for place in (panel["gridPos"] for panel in dashboard["panels"])
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        ]
        assert len(set(cells)) == len(cells)
        assert max(x for x, _ in cells) == 23


def test_each_panel_is_of_a_kind_that_grafana_10_has_already() -> None:
    kinds = {panel["type"] for dashboard in dashboards() for panel in panels(dashboard)}
    assert kinds == {"timeseries", "stat", "state-timeline"}
