import re
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from contract.catalogue import (
    Bounds,
    CacheState,
    LedgerTotals,
    LoadMetrics,
    MockMetrics,
    Part,
    Phase,
    ProcessMetrics,
    RequestKind,
    ServiceMetrics,
    WorkerMetrics,
)
from contract.jobs import Status
from contract.resources import NOTHING
from reporter.queries import HISTOGRAMS, QUERIES, Query

ROOT = Path(__file__).resolve().parents[3]
RULES = ROOT / "prometheus" / "rules"


def known_names() -> set[str]:
    """Every sample name that a process of ours can answer."""
    registry = CollectorRegistry()
    ServiceMetrics(registry, [("POST", "/v1/videos", list(RequestKind))])
    WorkerMetrics(registry)
    MockMetrics(registry)
    LoadMetrics(registry)
    ProcessMetrics(registry)
    names = set(re.findall(r"^(t2v_\w+)", generate_latest(registry).decode(), re.MULTILINE))
    families = [
        *LedgerTotals.families({}, dict.fromkeys((Status.QUEUED, Status.IN_PROGRESS), 0), 1.0, Phase.IDLE),
        *CacheState.families({"evicted_keys": 0, "used_memory": 0, "maxmemory": 0}),
        *ProcessMetrics.families({Part.SELF: NOTHING}, 0, [0], Bounds(1.0, 1, 1.0), 0.0),
    ]
    return names | {sample.name for family in families for sample in family.samples}


def test_each_metric_that_is_asked_for_exists() -> None:
    """In queries and in rules; a renamed metric would read as no data."""
    asked = {name for query in QUERIES for name in re.findall(r"\bt2v_\w+", query.expr)}
    for path in RULES.glob("*.yml"):
        for expr in re.findall(r"^\s+expr: (.+)$", path.read_text(), re.MULTILINE):
            asked |= set(re.findall(r"(?<!:)\bt2v_\w+(?!:)", expr))
    assert len(asked) > 20
    assert asked <= known_names()


def test_each_id_that_is_read_is_asked() -> None:
    """A misspelt id would read as no data."""
    ids = {query.id for query in QUERIES}
    roots = "|".join({id_.split(".")[0] for id_ in ids})
    sources = [*(ROOT / "reporter").rglob("*.py"), ROOT / "measure.py", ROOT / "evidence.py"]
    read = {id_ for path in sources for id_ in re.findall(rf'"((?:{roots})\.[a-z_.]+)"', path.read_text())}
    stems = {histogram.id for histogram in HISTOGRAMS}
    assert len(read) > 20
    assert read - stems <= ids


def test_ids_are_unique_and_placeholders_known() -> None:
    ids = [query.id for query in QUERIES]
    assert len(ids) == len(set(ids))
    for query in QUERIES:
        assert set(re.findall(r"\$\w+", query.expr)) <= {"$start", "$end", "$window"}
        assert "increase(" not in query.expr


def test_placeholders_become_numbers_to_the_millisecond() -> None:
    query = Query("x", "X", "jobs", "a[$window] @ $end - a @ $start")
    assert query.at(1700000000.0, 1700000060.25) == "a[60250ms] @ 1700000060.250 - a @ 1700000000.000"


@pytest.mark.parametrize("party", ["ledger", "worker", "load"])
def test_each_party_of_the_books_is_asked(party: str) -> None:
    assert any(query.id.startswith(f"{party}.") for query in QUERIES)
