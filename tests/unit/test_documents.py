"""What the documents promise is there."""

import re
from pathlib import Path

import pytest

from loadgen.scenario import Scenario, load

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


def test_every_key_of_a_scenario_is_told_with_an_example_that_has_it() -> None:
    text = (ROOT / "tests/README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `[\[]*(\w+)[^|`]*` \| [^|]+ \|(.*)\|$", text, re.MULTILINE)
    told = {key: re.findall(r"`(\w[\w-]*)\.toml`", examples) for key, examples in rows}
    optional = {name for name, field in Scenario.model_fields.items() if not field.is_required()}
    assert optional - {"targets"} <= told.keys()
    for key, examples in told.items():
        assert all(key in load(name).model_fields_set for name in examples), key
