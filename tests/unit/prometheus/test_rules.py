"""Recording rules and alerts, by Prometheus's own tools: each alert has a case that fires and one that must not."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.promtool import promtool

ROOT = Path(__file__).resolve().parents[3]
PROMETHEUS = ROOT / "prometheus"
ALERTS = sorted(PROMETHEUS.glob("alerts/*.yml"))
RULES = sorted(PROMETHEUS.glob("rules/*.yml"))
TESTS = sorted(PROMETHEUS.glob("tests/*.yml"))

THRESHOLD = re.compile(r"(?<=[<>=] )\d+(?:\.\d+)?\b")
DELAY = re.compile(r"(?<=for: )(\d+)(?=[sm]$)", re.MULTILINE)


def names(text: str) -> list[str]:
    return re.findall(r"- alert: (\w+)", text)


def cases(text: str) -> set[tuple[str, bool]]:
    """Of a test file: the alerts that it looks at, and whether one fires there."""
    found = re.findall(r"alertname: (\w+)\n\s+exp_alerts: ?(\[\])?", text)
    return {(name, not none) for name, none in found}


def mutants(text: str) -> Iterator[tuple[str, str, str]]:
    """The alert, what was changed of it, and the file with that one threshold or delay changed."""
    for pattern in (THRESHOLD, DELAY):
        for match in pattern.finditer(text):
            before, after = text[: match.start()], text[match.end() :]
            if before.rpartition("\n")[2].lstrip().startswith("#"):
                continue
            value, alert = float(match[0]), names(before)[-1]
            others = (0, 3 * int(value)) if pattern is DELAY else (value * 1.3, value / 1.3) if value else (5,)
            for other in others:
                yield alert, f"{alert}: {match[0]} to {other:g}", f"{before}{other:g}{after}"


@pytest.mark.parametrize("name", ["local.yml", "compose.yml"])
def test_the_configuration_is_one(name: str) -> None:
    status, said = promtool("check", "config", PROMETHEUS / name)
    assert status == 0, said
    assert f"{len(RULES) + len(ALERTS)} rule files found" in said


def test_the_rules_have_no_lint() -> None:
    status, said = promtool("check", "rules", "--lint=all", "--lint-fatal", *RULES, *ALERTS)
    assert status == 0, said


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.stem)
def test_rules_and_alerts_do_as_their_tests_say(path: Path) -> None:
    status, said = promtool("test", "rules", path)
    assert status == 0, said


def test_each_alert_fires_in_one_case_and_must_not_in_another() -> None:
    tested = set[tuple[str, bool]]().union(*(cases(path.read_text()) for path in TESTS))
    wanted = {name for path in ALERTS for name in names(path.read_text())}
    assert len(wanted) > 10
    assert tested == {(name, fires) for name in wanted for fires in (True, False)}


@pytest.mark.parametrize("path", ALERTS, ids=lambda path: path.stem)
def test_an_alert_with_another_threshold_or_delay_fails_a_test(path: Path, tmp_path: Path) -> None:
    """The tests can fail: each number changed alone is seen."""
    shutil.copytree(PROMETHEUS, tmp_path, dirs_exist_ok=True)
    planted, survivors = 0, []
    for alert, change, mutant in mutants(path.read_text()):
        (tmp_path / "alerts" / path.name).write_text(mutant)
        tests = [tmp_path / "tests" / one.name for one in TESTS if (alert, True) in cases(one.read_text())]
        planted += 1
        if promtool("test", "rules", *tests)[0] == 0:
            survivors.append(change)
    assert planted >= 2
    assert not survivors
