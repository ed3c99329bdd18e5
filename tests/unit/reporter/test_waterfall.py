"""The waterfall: the right jobs, a row for each step, and the same bytes again."""

import random
from pathlib import Path
from typing import Any

from contract.calls import CallResult, WaitCause
from contract.runfolder import JobRecord
from reporter.attribution import Attribution, Occupancy, attribution
from reporter.figures.waterfall import LOOKS, rows, waterfall
from tests.unit.reporter.folders import START, job
from tests.unit.reporter.test_attribution import troubled


def attributed(content: dict[str, Any], occupancy: Occupancy | None = None) -> Attribution:
    found = attribution(JobRecord.model_validate(content), occupancy)
    assert found is not None
    return found


def test_each_step_has_a_row_and_each_attempt_and_wait_a_bar() -> None:
    drawn = rows(attributed(troubled()))
    assert [row.label for row in drawn] == [
        "submit", "queue", "parse", "script", "LLM", "scenes", "TTS 1", "VISUAL 2", "assemble", "publish", "notify",
    ]  # fmt: skip
    straggler = drawn[7]
    assert [bar.kind for bar in sorted(straggler.bars, key=lambda bar: bar.start)] == [
        "cache lookup", "status", "backoff", "timeout", "retry_after", "breaker", "ok",
    ]  # fmt: skip
    assert [row.label for row in drawn if not row.critical] == ["TTS 1"]


def test_bars_of_waiting_for_a_slot_and_in_the_queue_share_the_time_until_the_claim() -> None:
    holder = JobRecord.model_validate(job(1, random.Random(1)) | {"started": START, "finished": START + 0.7})
    drawn = {row.label: row.bars for row in rows(attributed(troubled(), Occupancy([holder], 1)))}
    assert [(bar.start, bar.end) for bar in drawn["slot wait"]] == [(START + 0.4, START + 0.7)]
    assert [(bar.start, bar.end) for bar in drawn["queue"]] == [(START + 0.7, START + 1)]


def test_every_result_and_every_cause_looks_different() -> None:
    assert {*CallResult, *WaitCause, None} <= LOOKS.keys()
    colours = [colour for _, colour in LOOKS.values()]
    assert len(set(colours)) == len(colours)


def test_the_same_jobs_give_the_same_bytes(tmp_path: Path) -> None:
    rng = random.Random(1)
    found = [attributed(job(index, rng)) for index in range(20)] + [attributed(troubled())]
    first = waterfall(found, tmp_path / "first.svg").read_bytes()
    assert first.startswith(b"<?xml")
    assert waterfall(found, tmp_path / "second.svg").read_bytes() == first
