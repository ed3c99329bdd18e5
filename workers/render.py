"""The function that arq runs: one execution of one job, from claim to ending."""

import asyncio
import contextlib
import logging
import os
import shutil
import signal
from pathlib import Path

from anyio import to_thread

from contract.jobs import ErrorCode, JobError, JobRequest, Outcome, Stage
from contract.ledger import Claim, Ending
from contract.settings import Plant
from workers.errors import StageError
from workers.pipeline import PIPELINE, Report, run_pipeline
from workers.providers.errors import ProviderError
from workers.tools import Tools
from workers.work import Work

log = logging.getLogger(__name__)

_leaked: list[bytes] = []

PLANTED_LEAK = 1_000_000
"""Bytes that a planted defect keeps of each job."""
PLANTED_POISON = '/measure/3"'
"""How the request of the job ends its seed key that a planted defect makes deadly."""


async def render_video(tools: Tools, claim: Claim, report: Report) -> Ending:
    """How the execution ended. Raises nothing but CancelledError; assets stay on disk only when it completed."""
    bound = tools.workload.job_deadline
    began = asyncio.get_running_loop().time()
    work = Work(
        claim=claim,
        request=JobRequest.model_validate_json(claim.request),
        upload=tools.data.upload(claim.job_id),
        folder=tools.data.execution(claim.job_id, claim.token),
        patience=began + tools.workload.patience,
    )
    completed = False
    deadline = asyncio.timeout_at(began + bound)
    try:
        async with deadline:
            if Plant.POISON_JOB in tools.workload.plant and PLANTED_POISON in claim.request:
                os.kill(os.getpid(), signal.SIGKILL)
            await run_pipeline(work, tools, report)
        completed = True
        if Plant.LEAK in tools.workload.plant:
            _leaked.append(os.urandom(PLANTED_LEAK))
    except StageError as error:
        return _failed(work, error.code, str(error))
    except ProviderError as error:
        return _failed(work, ErrorCode.PROVIDER_FAILED, str(error))
    except Exception:
        if deadline.expired():
            return _failed(work, ErrorCode.DEADLINE_EXCEEDED, f"The job was not done within {bound:g} s.")
        log.exception("job %s failed for a reason that nobody foresaw", claim.job_id)
        return _failed(work, ErrorCode.INTERNAL, "The job failed here; the worker's log says why.")
    finally:
        if not completed:
            await to_thread.run_sync(_discard, work.folder)
    failed = tuple(scene.index for scene in work.failed_scenes)
    outcome = Outcome.PARTIAL if failed else Outcome.COMPLETED
    return Ending(outcome, work.timings, failed, seconds=work.seconds, bytes=work.video.bytes)


def _failed(work: Work, code: ErrorCode, message: str) -> Ending:
    return Ending(Outcome.FAILED, work.timings, error=JobError(code=code, message=message, stage=_reached(work)))


def _reached(work: Work) -> Stage:
    """The stage that ended last, which is the one that failed."""
    return work.timings.stages[-1].stage if work.timings.stages else PIPELINE[0].stage


def _discard(folder: Path) -> None:
    """Moves the folder away first: a task still running in a sandbox must not put a file into what is being removed."""
    doomed = folder.with_name(f"{folder.name}.discarded")
    with contextlib.suppress(FileNotFoundError):
        folder.rename(doomed)
    shutil.rmtree(doomed, ignore_errors=True)


async def clean_up(tools: Tools, claim: Claim) -> None:
    """An ended job needs nothing of what earlier executions left behind. Its upload stays for a while, for the sweep to
    remove: a loss of power may take the end of the job out of the ledger, and then it runs again.
    """
    await to_thread.run_sync(_remove_leftovers, tools, claim)


def _remove_leftovers(tools: Tools, claim: Claim) -> None:
    with contextlib.suppress(FileNotFoundError):  # the job may be deleted at the same time
        for execution in tools.data.job(claim.job_id).iterdir():
            if execution.name != claim.token:
                shutil.rmtree(execution, ignore_errors=True)
    _remove_if_empty(tools.data.job(claim.job_id))


async def withdraw(tools: Tools, claim: Claim) -> None:
    """What an execution made whose ending the ledger refused: nobody will ever be shown it."""
    await to_thread.run_sync(_remove_execution, tools, claim)


def _remove_execution(tools: Tools, claim: Claim) -> None:
    _discard(tools.data.execution(claim.job_id, claim.token))
    _remove_if_empty(tools.data.job(claim.job_id))


def _remove_if_empty(folder: Path) -> None:
    with contextlib.suppress(OSError):  # it is not empty, or gone
        folder.rmdir()
