import re
from pathlib import Path

import pytest

from reporter.queries import HISTOGRAMS, QUERIES, Query
from tests.metric_names import asked_for, known_names

ROOT = Path(__file__).resolve().parents[3]


def test_each_metric_that_is_asked_for_exists() -> None:
    """A renamed metric would read as no data."""
    asked = set[str]().union(*(asked_for(query.expr) for query in QUERIES))
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
