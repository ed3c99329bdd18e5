"""Each alert says what it is about and leads to its heading in the runbook."""

import re
from pathlib import Path

import pytest

from tests.metric_names import asked_for, known_names

ROOT = Path(__file__).resolve().parents[3]
RUNBOOK = (ROOT / "docs" / "runbook.md").read_text()
ALERTS = {
    text.partition("\n")[0]: text
    for path in sorted((ROOT / "prometheus" / "alerts").glob("*.yml"))
    for text in path.read_text().split("- alert: ")[1:]
}


def anchors() -> set[str]:
    """Of the headings, as GitHub makes them."""
    headings = re.findall("^#+ (.+)$", RUNBOOK, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize(("name", "text"), ALERTS.items(), ids=ALERTS)
def test_an_alert_leads_to_its_heading(name: str, text: str) -> None:
    urls = re.findall(r"runbook_url: (\S+)", text)
    assert urls == [f"docs/runbook.md#{name.lower()}"]
    assert name.lower() in anchors()


@pytest.mark.parametrize(("name", "text"), ALERTS.items(), ids=ALERTS)
def test_an_alert_has_a_severity_a_summary_and_a_description_with_its_value(name: str, text: str) -> None:
    assert name
    assert re.search(r"severity: (critical|warning)\b", text)
    assert "summary: " in text
    assert "$value" in text[text.index("description: ") : text.index("runbook_url: ")]


def test_each_heading_is_of_an_alert_and_each_link_has_a_heading() -> None:
    assert sorted(re.findall("^## (.+)$", RUNBOOK, re.MULTILINE)) == sorted(ALERTS)
    assert set(re.findall(r"\(#([\w-]+)\)", RUNBOOK)) <= anchors()


def test_each_metric_that_the_runbook_names_exists() -> None:
    assert asked_for(RUNBOOK)
    assert asked_for(RUNBOOK) <= known_names()
