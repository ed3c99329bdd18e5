"""A renamed metric would read as no data, and an alert on it would never fire."""

import re
from pathlib import Path

import pytest

from tests.metric_names import asked_for, known_names, recorded

PROMETHEUS = Path(__file__).resolve().parents[3] / "prometheus"
FILES = sorted([*PROMETHEUS.glob("rules/*.yml"), *PROMETHEUS.glob("alerts/*.yml")])


def expressions(path: Path) -> str:
    """What a file of rules asks for, with neither comments nor the names that it gives."""
    return re.sub(r"#.*$|^.*record: .*$", "", path.read_text(), flags=re.MULTILINE)


def names_given() -> set[str]:
    return {name for path in FILES for name in re.findall(r"record: (\S+)", path.read_text())}


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_each_metric_that_rules_and_alerts_ask_for_exists(path: Path) -> None:
    text = expressions(path)
    assert asked_for(text) or recorded(text)
    assert asked_for(text) <= known_names()
    assert recorded(text) <= names_given()


def test_the_rule_tests_give_no_metric_that_nobody_answers() -> None:
    for path in PROMETHEUS.glob("tests/*.yml"):
        given = set(re.findall(r"- series: (\w+)", path.read_text()))
        assert given <= known_names() | {"up"}
