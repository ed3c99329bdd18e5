"""Arrows point one way: who may import whom."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = {"contract", "service", "workers", "mocks", "loadgen", "reporter", "stack", "grafana"}
MAY_IMPORT = {room: {"contract"} for room in ROOMS - {"contract"}} | {
    "contract": set(),
    "grafana": {"contract", "reporter"},
}
"""Dashboards show what reports ask for, in the same queries."""


def imported_rooms(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide the direction of an arrow"
            names = [node.module or ""]
        else:
            continue
        yield from (name.partition(".")[0] for name in names)


def forbidden(room: str, source: str) -> set[str]:
    known = ROOMS | {"cli", "measure", "evidence", "campaign", "tests"}
    return (set(imported_rooms(source)) & known) - MAY_IMPORT[room] - {room}


@pytest.mark.parametrize("room", sorted(ROOMS))
def test_a_room_imports_itself_and_what_it_may(room: str) -> None:
    files = sorted((ROOT / room).rglob("*.py"))
    assert files
    found = {str(file.relative_to(ROOT)): names for file in files if (names := forbidden(room, file.read_text()))}
    assert not found


def test_a_forbidden_import_is_seen() -> None:
    assert forbidden("service", "from workers.queue import LedgerWorker") == {"workers"}
    assert forbidden("contract", "import service.app") == {"service"}
    assert forbidden("loadgen", "def late():\n    import reporter.queries") == {"reporter"}
    assert forbidden("reporter", "from grafana.panels import Panel") == {"grafana"}
    assert not forbidden("service", "import json\nfrom contract import keys")


def test_only_the_queue_discipline_knows_arq_workers() -> None:
    users = [
        str(file.relative_to(ROOT))
        for room in ROOMS
        for file in (ROOT / room).rglob("*.py")
        if "arq" in set(imported_rooms(file.read_text()))
    ]
    assert sorted(users) == ["workers/__main__.py", "workers/queue.py"]


def test_every_requirement_in_the_lock_files_is_hashed_and_names_no_registry() -> None:
    for name in ("requirements.lock", "requirements-dev.lock", "requirements-bench.lock"):
        text = (ROOT / name).read_text()
        assert "://" not in text
        requirements = [line for line in text.splitlines() if line and not line.startswith((" ", "#"))]
        assert requirements
        assert all("==" in line and line.endswith("\\") for line in requirements)
