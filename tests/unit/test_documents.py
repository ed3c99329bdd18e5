"""What the documents promise is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "name",
    [
        *("README.md", "tests/README.md", "docs/design.md"),
        *("docs/sample/performance_report.md", "docs/sample/reliability_report.md"),
    ],
)
def test_relative_links_lead_somewhere(name: str) -> None:
    file = ROOT / name
    links = re.findall(r"\]\(([^)#:]+)\)", file.read_text(encoding="utf-8"))
    assert [link for link in links if not (file.parent / link).exists()] == []


@pytest.mark.parametrize("name", ["README.md", "tests/README.md"])
def test_every_make_target_is_one_of_the_makefile(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    named = set(re.findall(r"(?:^|`)make ([a-z]+)", text, re.MULTILINE))
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert named
    assert named <= targets


def test_every_file_of_the_table_of_tests_is_there() -> None:
    text = (ROOT / "tests/README.md").read_text(encoding="utf-8")
    files = re.findall(r"^\| `([\w./]+)` \|", text, re.MULTILINE)
    assert {"test_performance.py", "unit/"} <= set(files)
    assert [name for name in files if not (ROOT / "tests" / name).exists()] == []
    commands = re.findall(r"\.venv/bin/pytest (tests/\S*?)(?:::|[ `])", text)
    assert [name for name in commands if not (ROOT / name).exists()] == []
