"""Sweeps for leftovers, on a real ledger and a real folder whose files are made old."""

import os
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from contract import keys
from contract.artifacts import DataFolder
from contract.catalogue import WorkerMetrics
from contract.connections import connect
from contract.jobs import Outcome, Timings, job_id_before, new_job_id
from contract.ledger import Ending, Ledger
from contract.records import Records
from tests.unit.orders import order
from tests.unit.workers.benches import NEVER, REQUEST
from workers.reconciler import GRACE, SETTLED, Reconciler

DAY = 24 * 3600.0


@dataclass
class Bench:
    ledger: Ledger
    data: DataFolder
    reconciler: Reconciler
    registry: CollectorRegistry

    async def job(
        self, *, claimed: bool = False, ended: bool = False, settled: bool = True, days_old: float = 0
    ) -> tuple[str, str]:
        """A job with an upload and, if claimed, with the folder of its execution; its id and token."""
        job_id = job_id_before(time.time() - days_old * DAY) + new_job_id()[-16:]
        await self.ledger.accept(job_id, REQUEST)
        self.data.upload(job_id).write_bytes(b"%PDF-")
        token = ""
        if claimed or ended:
            (claim,) = await self.ledger.claim(order("worker", NEVER, 1, f"{job_id}-"))
            token = claim.token
            self.execution(job_id, token)
        if ended:
            await self.ledger.finish(job_id, token, Ending(Outcome.COMPLETED, Timings()))
            if settled:
                await self.ledger.redis.hset(keys.job(job_id), "completed_at", str(time.time() - SETTLED - 1))  # type: ignore[misc] # typed for both kinds of client
        return job_id, token

    def execution(self, job_id: str, token: str) -> Path:
        folder = self.data.execution(job_id, token)
        folder.mkdir(parents=True)
        (folder / "video.mp4").write_bytes(b"mp4")
        return folder

    def age(self, seconds: float) -> None:
        """Makes everything on disk so old."""
        then = time.time() - seconds
        for path in [*self.data.uploads.rglob("*"), *self.data.artifacts.rglob("*")]:
            os.utime(path, (then, then))

    def removed(self, what: str) -> float | None:
        return self.registry.get_sample_value("t2v_leftovers_removed_total", {"what": what})


@pytest.fixture
async def bench(redis_url: str, tmp_path: Path) -> AsyncIterator[Bench]:
    data = DataFolder(tmp_path)
    data.create()
    registry = CollectorRegistry()
    async with connect(redis_url, 2) as redis:
        ledger = Ledger(redis)
        await redis.set(keys.BEGUN, time.time() - 3 * DAY)
        yield Bench(ledger, data, Reconciler(ledger, data, DAY, WorkerMetrics(registry)), registry)


async def test_uploads_of_nobody_and_of_ended_jobs_go_and_those_of_living_jobs_stay(bench: Bench) -> None:
    ended, _ = await bench.job(ended=True)
    running, _ = await bench.job(claimed=True)
    waiting, _ = await bench.job()
    just_ended, _ = await bench.job(ended=True, settled=False)
    orphan = bench.data.upload(new_job_id())
    orphan.write_bytes(b"%PDF-")
    bench.age(GRACE + 1)
    await bench.reconciler.sweep()
    left = {path.stem for path in bench.data.uploads.iterdir()}
    assert left == {waiting, running, just_ended}, "an end may yet be lost with the power"
    assert ended not in left
    assert bench.removed("upload") == 2


async def test_executions_that_did_not_win_go_and_the_winner_stays(bench: Bench) -> None:
    ended, winner = await bench.job(ended=True)
    running, current = await bench.job(claimed=True)
    for job_id in (ended, running):
        bench.execution(job_id, "of-a-dead-worker")
    bench.execution(new_job_id(), "of-a-job-that-was-deleted")
    bench.age(GRACE + 1)
    await bench.reconciler.sweep()
    assert {path.relative_to(bench.data.artifacts) for path in bench.data.artifacts.glob("*/*")} == {
        Path(ended) / winner,
        Path(running) / current,
    }
    assert bench.removed("execution") == 3


async def test_what_is_new_may_belong_to_something_that_is_just_happening(bench: Bench) -> None:
    orphan = bench.data.upload(new_job_id())
    orphan.write_bytes(b"%PDF-")
    loser = bench.execution((await bench.job(ended=True))[0], "late")
    bench.age(GRACE - 10)
    await bench.reconciler.sweep()
    assert orphan.exists()
    assert loser.exists()


async def test_ended_jobs_past_their_retention_are_forgotten_with_their_files(bench: Bench) -> None:
    old, _ = await bench.job(ended=True, days_old=1.01)
    young, _ = await bench.job(ended=True, days_old=0.99)
    stuck, _ = await bench.job(days_old=2)
    await bench.reconciler.sweep()
    records = Records(bench.ledger.redis)
    assert await records.job(old) is None
    assert not bench.data.job(old).exists()
    assert await records.job(young)
    assert bench.data.job(young).exists()
    assert await records.job(stuck), "a job that has not ended is never forgotten"
    assert bench.removed("job") == 1


async def test_what_is_older_than_the_ledger_is_not_its_to_remove(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    """Redis was flushed, or is another one: it knows none of the jobs whose videos lie there."""
    ended, token = await bench.job(ended=True)
    waiting, _ = await bench.job()
    await bench.ledger.redis.flushall()
    bench.age(GRACE + 1)
    for _ in range(2):
        await bench.reconciler.sweep()
        assert bench.data.execution(ended, token).exists()
        assert bench.data.upload(waiting).exists()
        await bench.job()  # and from then on it has a beginning again
    assert "1 folders are older than the ledger" in caplog.text
