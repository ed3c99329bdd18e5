"""Runs against the real stack; the run that most tests look at is made once."""

import asyncio
import hashlib
import io
import json
import socket
import time
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from reportlab.pdfgen.canvas import Canvas

from contract.catalogue import Phase
from contract.connections import connect
from contract.errors import UsageError
from contract.jobs import Outcome
from contract.run import current_run, verdicts
from contract.runfolder import (
    JOBS,
    QUERIES,
    RESULT,
    RUN,
    SAMPLE_VIDEO,
    JobRecord,
    RequestFailure,
    Result,
    RunInfo,
    Verdict,
)
from loadgen.controller import Controller, Observer
from loadgen.crew import crew
from loadgen.document import Document, default_document
from loadgen.generator import RunBroken
from loadgen.runner import Progress, run
from loadgen.scenario import Scenario
from measure import measure
from stack.local import LocalStack
from stack.places import ROOT
from stack.ports import LOOPBACK
from tests.unit.loadgen.handmade import run_info

SEED = 7
SMALL = Scenario.model_validate(
    {
        "name": "small",
        "title": "Small",
        "description": "Three jobs by two users; limits that only a broken service misses.",
        "load": {"model": "closed", "users": 2, "jobs": 3},
        "warmup": {"users": 2, "jobs": 2},
        "targets": [
            {"indicator": "response_p95", "op": "<", "limit": 20.0},
            {"indicator": "success_rate", "op": ">=", "limit": 0.95},
            {"indicator": "api_p95", "op": "<", "limit": 5.0},
            {"indicator": "integrity", "op": ">=", "limit": 0.9},
        ],
    }
)


@dataclass(frozen=True, slots=True)
class Run:
    result: Result
    info: RunInfo
    records: list[JobRecord]
    folder: Path
    refusal: BaseException | None
    """What a second run met that was started while this one measured."""
    targets_left: list[str]
    phase_left: Phase
    verdicts_told: dict[str, float]


@pytest.fixture(scope="module")
async def small_run(stack: LocalStack, tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder, second = tmp_path_factory.mktemp("small"), tmp_path_factory.mktemp("second")
    document = default_document(ROOT)
    rivals: list[asyncio.Task[Result]] = []

    def changed(progress: Progress) -> None:
        if progress.phase is Phase.MEASURE and not rivals:
            rivals.append(asyncio.create_task(measure(SMALL, document, SEED, stack, second, Progress())))

    result = await measure(SMALL, document, SEED, stack, folder, Progress(changed=changed))
    (refusal,) = await asyncio.gather(*rivals, return_exceptions=True)
    async with connect(stack.redis_url, 5) as redis:
        phase, told = (await current_run(redis)).phase, await verdicts(redis)
    return Run(
        result=result,
        info=RunInfo.model_validate_json((folder / RUN).read_bytes()),
        records=[JobRecord.model_validate_json(line) for line in (folder / JOBS).read_text().splitlines()],
        folder=folder,
        refusal=refusal if isinstance(refusal, BaseException) else None,
        targets_left=[path.name for path in _targets(stack).glob("loadgen*")],
        phase_left=phase,
        verdicts_told=told,
    )


def _targets(stack: LocalStack) -> Path:
    return Path(cast("str", stack.describe()["targets_dir"]))


async def test_dashboards_are_told_the_verdict_when_the_run_has_ended(small_run: Run) -> None:
    assert small_run.info.ended is not None
    told = small_run.verdicts_told
    assert told[small_run.result.verdict] == max(told.values()) >= small_run.info.ended


async def test_a_small_run_of_the_real_stack_passes(small_run: Run) -> None:
    assert (small_run.result.verdict, small_run.result.reasons) == (Verdict.PASS, [])
    assert [(target.name, target.passed) for target in small_run.result.targets] == [
        (spec.indicator, True) for spec in SMALL.targets
    ]


async def test_a_run_leaves_files_that_say_the_same(small_run: Run) -> None:
    assert {path.name for path in small_run.folder.iterdir()} == {RUN, JOBS, RESULT, QUERIES, SAMPLE_VIDEO}
    assert Result.model_validate_json((small_run.folder / RESULT).read_bytes()) == small_run.result
    info = small_run.info
    assert (info.id, info.scenario, info.seed) == (small_run.folder.name, "small", SEED)
    assert (info.jobs, info.warmup_jobs, info.concurrency) == (3, 2, 2)
    assert info.document.sha256 == hashlib.sha256(default_document(ROOT).content).hexdigest()
    assert info.ended is not None
    assert info.started < info.ended <= time.time()
    assert info.clock_skew is not None
    assert abs(info.clock_skew) < info.scrape_interval


async def test_a_record_is_kept_of_each_job_of_warm_up_and_measurement(small_run: Run) -> None:
    assert [(record.phase, record.index) for record in small_run.records] == [
        (Phase.WARMUP, 0),
        (Phase.WARMUP, 1),
        (Phase.MEASURE, 0),
        (Phase.MEASURE, 1),
        (Phase.MEASURE, 2),
    ]
    for record in small_run.records:
        assert record.outcome is Outcome.COMPLETED
        assert record.timings is not None
        assert record.accepted is not None
        assert record.started is not None
        assert record.finished is not None
        assert record.accepted <= record.started <= record.finished
    ids = [record.id for record in small_run.records]
    sizes = [record.bytes for record in small_run.records]
    assert len(set(ids)) == 5
    assert len(set(sizes)) > 1, "jobs of one run have scripts of their own"


async def test_phases_follow_each_other_without_overlap_and_the_window_encloses_the_measured_one(
    small_run: Run,
) -> None:
    phases = small_run.info.phases
    assert [span.name for span in phases] == [Phase.WARMUP, Phase.SETTLE, Phase.MEASURE, Phase.SETTLE]
    for earlier, later in pairwise(phases):
        assert earlier.end is not None
        assert earlier.start < earlier.end <= later.start
    window, measured, skew = small_run.info.window, phases[2], small_run.info.clock_skew
    assert window is not None
    assert measured.end is not None
    assert skew is not None
    warmup_end = phases[0].end
    assert warmup_end is not None
    assert warmup_end < window.start - skew < measured.start < measured.end < window.end - skew
    for record in small_run.records:
        span = phases[0] if record.phase is Phase.WARMUP else measured
        assert record.held is not None
        assert span.end is not None
        assert span.start - 0.01 <= record.due <= record.held <= span.end + 0.01


async def test_the_books_balance_on_the_measured_jobs_alone(small_run: Run) -> None:
    books = {entry.name: entry for entry in small_run.result.books}
    assert all(entry.passed for entry in books.values())
    assert set(books["submitted"].parties.values()) == {3}
    assert set(books["completed"].parties.values()) == {3}
    assert set(books["failed"].parties.values()) == {0}
    counts = Counter(small_run.result.counts.model_dump())
    assert +counts == {"attempted": 3, "acknowledged": 3, "completed": 3}
    integrity = small_run.result.integrity
    assert (integrity.videos, integrity.sound, integrity.losses) == (3, integrity.named, [])
    assert integrity.named >= 3 * 12


async def test_while_one_run_measures_another_is_refused_with_a_sentence(small_run: Run) -> None:
    assert isinstance(small_run.refusal, UsageError)
    assert str(small_run.refusal).startswith(
        f"The stack is busy with the run {small_run.folder.name}; wait for its end"
    )


async def test_a_run_that_is_over_leaves_the_stack_as_it_was(small_run: Run) -> None:
    assert (small_run.targets_left, small_run.phase_left) == ([], Phase.IDLE)


async def test_two_generators_share_a_run_of_which_every_party_counts_the_same(
    stack: LocalStack, tmp_path: Path, small_run: Run
) -> None:
    result = await measure(SMALL, default_document(ROOT), SEED, stack, tmp_path, Progress(), generators=2)
    assert (result.verdict, result.reasons) == (Verdict.PASS, [])
    books = {entry.name: entry.parties for entry in result.books}
    assert set(books["arrivals"].values()) == set(books["completed"].values()) == {3}
    info = RunInfo.model_validate_json((tmp_path / RUN).read_bytes())
    names = [f"loadgen-{tmp_path.name}-1", f"loadgen-{tmp_path.name}-2"]
    assert (info.generators, list(info.generators_busy)) == (2, names)
    records = [JobRecord.model_validate_json(line) for line in (tmp_path / JOBS).read_text().splitlines()]
    assert [record.seed_key for record in records] == [record.seed_key for record in small_run.records]
    answers = json.loads((tmp_path / QUERIES).read_bytes())["answers"]
    lag = next(answer for answer in answers if answer["id"] == "load.lag.n")
    assert lag["result"][0]["value"] > 0, "nobody watched the generators' own event loops"
    assert list(_targets(stack).glob("loadgen*")) == []


def blank(*, text: str = "", password: str | None = None) -> bytes:
    target = io.BytesIO()
    canvas = Canvas(target, encrypt=password)
    canvas.drawString(72, 72, text)
    canvas.showPage()
    canvas.save()
    return target.getvalue()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (blank(text="A secret sentence of some length.", password="secret"), "password|encrypted"),
        (blank(), "text"),
        (b"%PDF-1.7 and nothing else", "read|damaged|malformed|PDF"),
        (b"PK no PDF at all", "does not begin like a PDF"),
        (b"", "empty"),
    ],
    ids=["encrypted", "without text", "malformed", "not a PDF", "empty"],
)
async def test_a_document_that_the_service_does_not_take_ends_the_run_in_warm_up(
    stack: LocalStack, tmp_path: Path, content: bytes, reason: str
) -> None:
    with pytest.raises(UsageError, match=f"^The document cannot be used: .*({reason})"):
        await measure(SMALL, Document("bad.pdf", content), SEED, stack, tmp_path, Progress())
    assert list(_targets(stack).glob("loadgen*")) == []
    assert not (tmp_path / RESULT).exists()


async def test_a_service_that_is_away_breaks_the_run_with_its_reason(redis_url: str, tmp_path: Path) -> None:
    with socket.create_server((LOOPBACK, 0)) as listener:
        closed = listener.getsockname()[1]
    nobody = SimpleNamespace(
        api_url=f"http://{LOOPBACK}:{closed}",
        redis_url=redis_url,
        prometheus_url="",
        control_token="",
        metrics_host=LOOPBACK,
        deaths=[],
        fleet=None,
        add_target=lambda *_: None,
        remove_target=lambda _: None,
    )
    seen: list[JobRecord | None] = []
    with pytest.raises(RunBroken, match=rf"No job of the warm-up was completed\..*{closed}"):
        async with crew(cast("Controller", nobody), Document("paper.pdf", b"%PDF-1.7"), SEED, "r", 1, tmp_path) as one:
            await run(
                SMALL.steps()[0],
                run_info(),
                one,
                cast("Controller", nobody),
                cast("Observer", None),
                tmp_path,
                Progress(changed=lambda progress: seen.append(progress.last)),
            )
    assert [record.request_failure for record in seen if record] == [RequestFailure.REFUSED] * 2
