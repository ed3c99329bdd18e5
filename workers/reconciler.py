"""Removes what no transition can see: what was left behind when a process died between two steps, and what is too old.

Uploads whose job was never accepted or has ended, executions that did not win, jobs past their retention.
"""

import asyncio
import contextlib
import logging
import shutil
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from anyio import to_thread

from contract import keys
from contract.artifacts import DataFolder
from contract.catalogue import Leftover, WorkerMetrics
from contract.connections import REDIS_DOWN
from contract.jobs import job_id_before
from contract.ledger import Deletion, Ledger
from contract.records import Records

log = logging.getLogger(__name__)

EVERY = 30.0
"""Seconds between two sweeps, whichever worker makes them."""
GRACE = 300.0
"""Seconds for which a file may belong to something that is just happening."""
SETTLED = 60.0
"""Seconds after which no loss of power takes the end of a job out of the ledger any more, whenever Redis syncs."""
AT_ONCE = 100
"""Jobs that one question to the ledger names."""


class Reconciler:
    def __init__(
        self, ledger: Ledger, data: DataFolder, retention: float, metrics: WorkerMetrics, grace: float = GRACE
    ) -> None:
        """`retention` and `grace` in seconds."""
        self._ledger = ledger
        self._records = Records(ledger.redis)
        self._data = data
        self._retention = retention
        self._metrics = metrics
        self._grace = grace

    @contextlib.asynccontextmanager
    async def sweeping(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self._sweep_for_ever())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait([task])

    async def _sweep_for_ever(self) -> None:
        while True:
            await asyncio.sleep(EVERY)
            try:
                if await self._ledger.redis.set(keys.SWEEP, "1", nx=True, px=int(EVERY * 1000)):
                    await self.sweep()
            except REDIS_DOWN as error:
                log.warning("leftovers stay until the ledger answers (%s)", error)
            except Exception:
                log.exception("a sweep failed; the next one tries again")

    async def sweep(self) -> None:
        await self._forget_old_jobs()
        for upload in await to_thread.run_sync(lambda: list(_entries(self._data.uploads))):
            if await self._is_done_with(upload):
                await self._remove(Leftover.UPLOAD, upload)
        for folder in await to_thread.run_sync(self._older, self._data.artifacts):
            found = await self._records.winner(folder.name)
            if found is None:
                await self._remove(Leftover.EXECUTION, folder)
                continue
            _, token = found  # of the execution that runs or has won
            for execution in await to_thread.run_sync(self._older, folder):
                if execution.name != token:
                    await self._remove(Leftover.EXECUTION, execution)

    async def _forget_old_jobs(self) -> None:
        oldest_kept = job_id_before(time.time() - self._retention)
        after = "-"
        while ids := await self._ledger.redis.zrangebylex(keys.JOBS, after, f"({oldest_kept}", start=0, num=AT_ONCE):
            after = f"({ids[-1]}"
            for job_id in ids:
                if await self._ledger.delete(job_id) is Deletion.DELETED:
                    await to_thread.run_sync(_delete, self._data.job(job_id))
                    self._metrics.leftovers.labels(Leftover.JOB).inc()

    async def _is_done_with(self, upload: Path) -> bool:
        ended = await self._records.ended_at(upload.stem)
        if ended is not None:
            return time.time() - ended > SETTLED
        return _age(upload) > self._grace and await self._records.winner(upload.stem) is None

    def _older(self, folder: Path) -> list[Path]:
        """What lies in a folder and was not touched for a while."""
        return [path for path in _entries(folder) if _age(path) > self._grace]

    async def _remove(self, what: Leftover, path: Path) -> None:
        log.info("removes %s, which belongs to nobody", path)
        await to_thread.run_sync(_delete, path)
        self._metrics.leftovers.labels(what).inc()


def _delete(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _entries(folder: Path) -> Iterator[Path]:
    with contextlib.suppress(FileNotFoundError):  # deleted meanwhile
        yield from folder.iterdir()


def _age(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return 0.0
