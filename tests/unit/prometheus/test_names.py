"""A renamed metric would read as no data, and an alert on it would never fire; and rules ask as reports do."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from contract.calls import CACHE_HITS, RETRY_REASONS, CacheResult, CallResult
from reporter.queries import HISTOGRAMS, QUERIES, CounterSum
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


def counter(id_: str) -> CounterSum:
    """Of a query that a report asks."""
    form = next(query.form for query in QUERIES if query.id == id_)
    assert isinstance(form, CounterSum)
    return form


def ratio(id_: str, where: str, of: str, window: str, *by: str) -> str:
    return f"{counter(id_).rate(window, by, where)} / {counter(id_).rate(window, by, of)}"


def failures(window: str) -> str:
    return ratio("ledger.finished", 'outcome=~"failed|partial"', 'outcome!="cancelled"', window)


HISTOGRAM = {histogram.id: histogram for histogram in HISTOGRAMS}
NO_FAILURES = "|".join(result for result in CallResult if result not in RETRY_REASONS)
HITS = "|".join(CACHE_HITS)
CACHE_FAILURES = f"{CacheResult.DOWN}|{CacheResult.SLOW}|{CacheResult.CORRUPT}"

RECORDED = {
    "method_route_status:t2v_http_requests:rate1m": counter("service.requests").rate("1m") + " > 0",
    "t2v_http_failures_per_requests:ratio_rate1m": ratio("service.requests", 'status=~"5.."', "", "1m"),
    "method_route:t2v_http_request_seconds:p95_1m": HISTOGRAM["http"].quantile(
        0.95, "1m", ("method", "route"), 'kind="plain"'
    ),
    "t2v_jobs_submitted:rate1m": counter("ledger.submitted").rate("1m"),
    "outcome:t2v_jobs_finished:rate1m": counter("ledger.finished").rate("1m"),
    "t2v_job_seconds:p95_1m": HISTOGRAM["job.length"].quantile(0.95, "1m"),
    "provider_result:t2v_provider_calls:rate1m": counter("call.results").rate("1m") + " > 0",
    "provider:t2v_provider_failures_per_calls:ratio_rate1m": ratio(
        "call.results", f'result!~"{NO_FAILURES}"', "", "1m", "provider"
    ),
    "provider:t2v_provider_call_seconds:p95_1m": HISTOGRAM["call"].quantile(0.95, "1m"),
    "t2v_cache_hits_per_lookups:ratio_rate1m": ratio("cache.lookups", f'result=~"{HITS}"', "", "1m"),
    "t2v_cache_failures_per_lookups:ratio_rate1m": ratio("cache.lookups", f'result=~"{CACHE_FAILURES}"', "", "1m"),
} | {
    f"t2v_job_failures_per_jobs:ratio_rate{window}": failures(window)
    for window in ("30s", "2m", "5m", "30m", "1h", "6h", "3d")
}
"""What each rule asks, from the queries of the reports."""


def recorded_expressions() -> Iterator[tuple[str, str]]:
    for path in FILES:
        text = re.sub(r"#.*|>-$", "", path.read_text(), flags=re.MULTILINE)
        for rule in text.split("- record: ")[1:]:
            name, _, expr = rule.partition("\n\n")[0].partition("expr:")
            yield name.strip(), expr


def test_the_recording_rules_ask_for_what_the_reports_ask_for() -> None:
    asked = {name: "".join(expr.split()) for name, expr in recorded_expressions()}
    assert asked == {name: "".join(expr.split()) for name, expr in RECORDED.items()}
