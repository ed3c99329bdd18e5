"""Removes what no transition can see: what was left behind when a process died between two steps, and what is too old.

Uploads whose job was never accepted or has ended, executions that did not win, jobs past their retention.
"""

import asyncio
import contextlib
import logging
import math
import shutil
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

from anyio import to_thread
from redis.exceptions import OutOfMemoryError

from contract import keys
from contract.artifacts import DataFolder
from contract.catalogue import Leftover, WorkerMetrics
from contract.connections import REDIS_DOWN
from contract.jobs import Status, job_id_before
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
        self._begun = math.inf
        """When the ledger accepted its first job."""
        self._clean: set[str] = set()
        """Ended jobs whose folder holds nothing more but what was published."""

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
                if await self._is_our_turn():
                    await self.sweep()
            except REDIS_DOWN as error:
                log.warning("leftovers stay until the ledger answers (%s)", error)
            except Exception:
                log.exception("a sweep failed; the next one tries again")

    async def _is_our_turn(self) -> bool:
        try:
            return bool(await self._ledger.redis.set(keys.SWEEP, "1", nx=True, px=int(EVERY * 1000)))
        except OutOfMemoryError:  # a sweep is what frees memory, and two of them at once do no harm
            return True

    async def sweep(self) -> None:
        """Leaves alone what is older than the ledger itself: one that has lost its data knows of none of it."""
        await self._forget_old_jobs()
        self._begun = await self._records.begun() or math.inf
        if strangers := await to_thread.run_sync(self._strangers):
            log.warning(
                "%d folders are older than the ledger, which is another one or has lost its data: they stay", strangers
            )
        for upload in await to_thread.run_sync(lambda: list(_entries(self._data.uploads))):
            if await self._is_done_with(upload):
                await self._remove(Leftover.UPLOAD, upload)
        folders = await to_thread.run_sync(self._older, self._data.artifacts)
        self._clean &= {folder.name for folder in folders}
        for some in _batched(folders, AT_ONCE):
            for folder, found in zip(some, await self._records.winners([one.name for one in some]), strict=True):
                await self._tidy(folder, found)

    async def _tidy(self, folder: Path, found: tuple[Status, str] | None) -> None:
        """The folder of a job, of which the ledger tells the state and the execution that runs or has won."""
        if found is None:
            await self._remove(Leftover.EXECUTION, folder)
            return
        status, token = found
        if folder.name in self._clean:
            return
        for execution in await to_thread.run_sync(self._older, folder):
            if execution.name != token:
                await self._remove(Leftover.EXECUTION, execution)
        if status.terminal:
            self._clean.add(folder.name)

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
        return self._is_old(upload) and await self._records.winner(upload.stem) is None

    def _older(self, folder: Path) -> list[Path]:
        """What lies in a folder and was not touched for a while, though since the ledger began."""
        return [path for path in _entries(folder) if self._is_old(path)]

    def _strangers(self) -> int:
        return sum(time.time() - _age(path) < self._begun for path in _entries(self._data.artifacts))

    def _is_old(self, path: Path) -> bool:
        age = _age(path)
        return age > self._grace and time.time() - age >= self._begun

    async def _remove(self, what: Leftover, path: Path) -> None:
        log.info("removes %s, which belongs to nobody", path)
        await to_thread.run_sync(_delete, path)
        self._metrics.leftovers.labels(what).inc()


def _batched(paths: Sequence[Path], size: int) -> Iterator[Sequence[Path]]:
    return (paths[start : start + size] for start in range(0, len(paths), size))


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
