from pathlib import Path

import orjson
import pytest

from contract.errors import UsageError
from reporter.answers import Answer, Answers, Sample


def test_readings_survive_the_disk_with_what_nobody_knows(tmp_path: Path) -> None:
    sample = Sample({"provider": "llm"}, 2.0, ((1.0, 0.0), (2.0, None), (3.0, 2.0)))
    Answers(0, 4, [Answer("a", "A", "jobs", "a[4s]", 4, (sample,))]).save(tmp_path / "queries.json")
    assert Answers.load(tmp_path / "queries.json").samples("a") == [sample]


def test_answers_that_were_saved_before_there_were_readings_still_load(tmp_path: Path) -> None:
    answer = {"id": "a", "title": "A", "unit": "jobs", "expr": "a", "time": 4.0}
    old = {"start": 0, "end": 4, "answers": [answer | {"result": [{"labels": {}, "value": 3.0}]}]}
    (tmp_path / "queries.json").write_bytes(orjson.dumps(old))
    assert Answers.load(tmp_path / "queries.json").samples("a") == [Sample({}, 3.0, ())]


def test_readings_that_are_none_are_refused(tmp_path: Path) -> None:
    result = [{"labels": {}, "value": 3.0, "points": [1, 2]}]
    answer = {"id": "a", "title": "A", "unit": "jobs", "expr": "a", "time": 4.0, "result": result}
    (tmp_path / "queries.json").write_bytes(orjson.dumps({"start": 0, "end": 4, "answers": [answer]}))
    with pytest.raises(UsageError, match=r"queries\.json does not hold the answers of a run"):
        Answers.load(tmp_path / "queries.json")
