"""One run from load to verdict: what ties the load generator's records to the reporter's answers.

The rooms do not know each other; this is the one place, beside the command line, that knows all of them.
"""

import time
from collections.abc import Collection
from pathlib import Path

from redis.exceptions import RedisError

from contract.connections import connect
from contract.errors import EnvironmentFault
from contract.runfolder import QUERIES, RESULT, DocumentRecord, Integrity, Result, RunInfo
from contract.settings import Workload
from loadgen.books import Parties, balance, client_party, listing_party
from loadgen.document import Document
from loadgen.machine import git_state, machine, versions
from loadgen.runner import Outcomes, Progress, run
from loadgen.scenario import Scenario
from loadgen.verdict import Evidence, Figure, judge
from reporter.answers import Answers
from reporter.books import client_counts, ledger_counts, worker_counts
from reporter.indicators import indicators
from reporter.prometheus import Prometheus, clock_skew, settled
from reporter.queries import collect
from reporter.runs import Run
from stack.places import ROOT
from stack.protocol import Stack

SETTLE_BOUND = 20.0
"""Seconds in which Prometheus must have read every process."""


class _Observer:
    def __init__(self, url: str) -> None:
        self._url = url

    async def settled(self, since: float, expected: Collection[str]) -> float:
        return await settled(self._url, since, SETTLE_BOUND, expected)

    async def clock_skew(self) -> float:
        return await clock_skew(self._url)


async def measure(
    scenario: Scenario, document: Document, seed: int, stack: Stack, folder: Path, progress: Progress
) -> Result:
    """Runs the scenario against the stack, leaves all evidence in `folder`, and judges it.

    Raises UsageError (the document, a stack that is busy) and EnvironmentFault (something does not answer).
    """
    try:
        info = await _describe(scenario, document, seed, stack, folder.name)
        outcomes = await run(scenario, info, document, stack, _Observer(stack.prometheus_url), folder, progress)
    except RedisError as error:
        raise EnvironmentFault(f"The job ledger (Redis) does not answer: {error}. The run was given up.") from error
    window = outcomes.info.window
    assert window is not None
    answers = await collect(stack.prometheus_url, window.start, window.end)
    answers.save(folder / QUERIES)
    result = judge(scenario, _evidence(outcomes, answers), _figures(outcomes, folder))
    (folder / RESULT).write_text(result.model_dump_json(indent=1, by_alias=True) + "\n", encoding="utf-8")
    return result


def _evidence(outcomes: Outcomes, answers: Answers) -> Evidence:
    accepted = answers.count("service.posts", status="202")
    parties = Parties(
        client=client_party(outcomes.measured),
        listing=listing_party(outcomes.reconciliation.counts),
        redis=outcomes.redis_growth,
        exporter=ledger_counts(answers),
        workers=worker_counts(answers),
        load_metrics=client_counts(answers),
        api_accepted=accepted,
        videos=outcomes.inspection.integrity.videos,
    )
    return Evidence(
        info=outcomes.info,
        records=outcomes.measured,
        reconciliation=outcomes.reconciliation,
        books=balance(parties),
        integrity=outcomes.inspection.integrity,
        deaths=outcomes.deaths,
    )


def _figures(outcomes: Outcomes, folder: Path) -> dict[str, Figure]:
    integrity = outcomes.inspection.integrity
    found = {name: Figure(one.value, one.n, one.note) for name, one in indicators(Run.load(folder)).items()}
    return found | {"integrity": Figure(integrity.share, integrity.named, _integrity_note(integrity))}


def _integrity_note(integrity: Integrity) -> str:
    return (
        f"{integrity.sound} of {integrity.named} assets, {integrity.sound_videos} of {integrity.jobs} videos; "
        "the lower share counts"
    )


async def _describe(scenario: Scenario, document: Document, seed: int, stack: Stack, run_id: str) -> RunInfo:
    workload, default = Workload(), Workload.model_construct()
    revision, dirty = git_state(ROOT)
    async with Prometheus(stack.prometheus_url) as prometheus:
        prometheus_version, scrape_interval = await prometheus.version(), await prometheus.scrape_interval()
    async with connect(stack.redis_url, 5.0) as redis:
        redis_version = (await redis.info("server"))["redis_version"]
    return RunInfo(
        id=run_id,
        scenario=scenario.name,
        title=scenario.title,
        seed=seed,
        load_model=scenario.load.model,
        concurrency=scenario.load.users,
        jobs=scenario.load.jobs,
        warmup_jobs=scenario.warmup.jobs,
        started=time.time(),
        git_revision=revision,
        git_dirty=dirty,
        versions=versions() | {"prometheus": prometheus_version, "redis-server": redis_version},
        machine=machine(),
        document=DocumentRecord(name=document.name, bytes=len(document.content), sha256=document.sha256),
        workload=workload.model_dump(mode="json"),
        workload_changed=[name for name in Workload.model_fields if getattr(workload, name) != getattr(default, name)],
        prometheus_url=stack.prometheus_url,
        scrape_interval=scrape_interval,
    )
