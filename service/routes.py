"""The videos API: submit, follow, fetch, cancel, delete."""

import asyncio
import hashlib
import shutil
from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Depends, File, Form, Header, Query, Request, Response, UploadFile
from fastapi.responses import FileResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import BaseModel

from contract.calls import SEED_KEY_PATTERN
from contract.jobs import (
    CACHE_NAMESPACE_PATTERN,
    Job,
    JobOptions,
    JobRequest,
    Status,
    VisualStyle,
    Voice,
    new_job_id,
)
from contract.ledger import Cancellation, Deletion, IdempotencyConflictError, IdempotencyKey
from contract.manifest import VIDEO_NAME, Manifest
from service import uploads
from service.problems import RESPONSES, Problem
from service.state import Service, State

LONGEST_WAIT = 60.0
CANCEL_WAIT = 5.0
"""How long a delete waits for a running job to stop."""

IN_ONE_PIECE = 256 * 1024
"""Bytes up to which a file is read at once: handing it on piece by piece costs more than the memory."""

router = APIRouter(prefix="/v1/videos", tags=["videos"], responses=RESPONSES)


class JobPage(BaseModel):
    object: str = "list"
    data: list[Job]
    has_more: bool
    next: str | None


def _unknown(job_id: str) -> Problem:
    return Problem(HTTPStatus.NOT_FOUND, "unknown-video", f"There is no video {job_id[:80]}.")


async def _known_job(job_id: str, service: Service) -> Job:
    job = await service.records.job(job_id)
    if job is None:
        raise _unknown(job_id)
    return job


ByteRange = Annotated[str | None, Header(alias="range", include_in_schema=False)]
KnownJob = Annotated[Job, Depends(_known_job)]

FIELDS = {"document", *JobOptions.model_fields}


async def options_of(
    scenes: Annotated[int, Form(ge=1, le=20)] = 5,
    style: Annotated[VisualStyle, Form()] = VisualStyle.CLEAN,
    voice: Annotated[Voice, Form()] = Voice.ALLOY,
    seed: Annotated[int, Form(ge=0, lt=2**31, description=JobOptions.model_fields["seed"].description)] = 0,
    seed_key: Annotated[
        str, Form(pattern=SEED_KEY_PATTERN + "|^$", description=JobOptions.model_fields["seed_key"].description)
    ] = "",
    cache_namespace: Annotated[
        str,
        Form(pattern=CACHE_NAMESPACE_PATTERN, description=JobOptions.model_fields["cache_namespace"].description),
    ] = "",
) -> JobOptions:
    return JobOptions(
        scenes=scenes, style=style, voice=voice, seed=seed, seed_key=seed_key, cache_namespace=cache_namespace
    )


async def _refuse_unknown_fields(request: Request) -> None:
    unknown = set(await request.form()) - FIELDS
    if unknown:
        raise Problem(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            "invalid-request",
            f"Unknown field {', '.join(sorted(unknown))}; known are {', '.join(sorted(FIELDS))}.",
        )


@router.post(
    "",
    status_code=HTTPStatus.ACCEPTED,
    dependencies=[Depends(_refuse_unknown_fields)],
    summary="Ask for a video of a document",
)
async def submit(
    service: Service,
    response: Response,
    document: Annotated[UploadFile, File(description="a PDF")],
    options: Annotated[JobOptions, Depends(options_of)],
    idempotency_key: Annotated[str | None, Header(min_length=1, max_length=255)] = None,
) -> Job:
    """Accepts the job and answers at once; `Location` names where to follow it.

    With an `Idempotency-Key`, the same request again answers the same job, another request 422.
    """
    content = await uploads.receive(document, service.workload.max_document_bytes)
    job_id = new_job_id()
    upload = service.data.upload(job_id)
    stored = await uploads.store(upload, document.filename, content, service.workload.queue_fsync)
    request = JobRequest(document=stored, options=options)
    key = _idempotency(idempotency_key, request, service.deployment.retention)
    try:
        acceptance = await service.ledger.accept(job_id, request, key)
    except IdempotencyConflictError as conflict:
        upload.unlink(missing_ok=True)
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "idempotency-conflict", str(conflict)) from None
    # when the ledger does not answer, the upload stays: the job may have been stored all the same
    if acceptance.replayed:
        upload.unlink(missing_ok=True)
        response.headers["Idempotent-Replayed"] = "true"
    job = await _known_job(acceptance.job_id, service)
    response.headers["Location"] = f"/v1/videos/{job.id}"
    response.headers["Retry-After"] = "1"
    return job


def _idempotency(key: str | None, request: JobRequest, remember: float) -> IdempotencyKey | None:
    if key is None:
        return None
    same = request.document.sha256 + request.options.model_dump_json()
    return IdempotencyKey(
        hash=hashlib.sha256(key.encode()).hexdigest(),
        fingerprint=hashlib.sha256(same.encode()).hexdigest(),
        remember=remember,
    )


@router.get("", summary="List videos, newest first")
async def page(
    service: Service,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    after: Annotated[str | None, Query(description="`next` of the page before", max_length=80)] = None,
    status: Annotated[Status | None, Query()] = None,
) -> JobPage:
    jobs = await service.records.page(after, limit + 1, status)
    shown = jobs[:limit]
    more = len(jobs) > limit
    return JobPage(data=shown, has_more=more, next=shown[-1].id if more else None)


@router.get("/{job_id}", summary="The state of a video")
async def status_of(
    job_id: str,
    service: Service,
    wait: Annotated[
        float, Query(ge=0, le=LONGEST_WAIT, description="seconds to wait for another status, if it is not final")
    ] = 0,
) -> Job:
    if not wait:
        return await _known_job(job_id, service)
    loop = asyncio.get_running_loop()
    until = loop.time() + wait
    with service.changes.watch(job_id) as changes:
        job = await _known_job(job_id, service)
        status = job.status
        while not job.status.terminal and job.status is status:
            change = await changes.next(until - loop.time())
            if change is None:
                break
            if change.get("status") != status:
                job = await _known_job(job_id, service)
    return job


@router.get("/{job_id}/events", response_class=EventSourceResponse, summary="Follow a video (server-sent events)")
async def events(
    job: KnownJob, service: Service, last_event_id: Annotated[int | None, Header()] = None
) -> AsyncIterator[ServerSentEvent]:
    """One event per change, `id` being the job's version; ends with the job."""
    with service.changes.watch(job.id) as changes:
        now = await service.records.job(job.id) or job
        if last_event_id is None or last_event_id < now.version:
            yield _event(now)
        seen = now.version
        while not now.status.terminal:
            change = await changes.next(LONGEST_WAIT)
            if change and change["version"] <= seen:
                continue
            latest = await service.records.job(job.id)
            if latest is None:  # deleted
                return
            now = latest
            if now.version > seen:
                seen = now.version
                yield _event(now)


def _event(job: Job) -> ServerSentEvent:
    data = job.model_dump_json(exclude={"timings"})
    return ServerSentEvent(raw_data=data, event=job.status.value, id=str(job.version))


def _gone(job_id: str) -> Problem:
    return Problem(HTTPStatus.NOT_FOUND, "unknown-asset", f"The files of video {job_id} are gone.")


async def _published(job_id: str, service: State) -> str:
    """The token of the execution whose video it is."""
    found = await service.records.winner(job_id)
    if found is None:
        raise _unknown(job_id)
    status, token = found
    if status is not Status.COMPLETED:
        raise Problem(
            HTTPStatus.CONFLICT, "video-not-ready", f"The video is {status}; there is content once it is completed."
        )
    return token


@router.get("/{job_id}/content", response_class=FileResponse, summary="The video (MP4)")
async def content(job_id: str, service: Service, byte_range: ByteRange = None) -> Response:
    return await asset(job_id, VIDEO_NAME, service, byte_range)


@router.get(
    "/{job_id}/manifest", summary="Every asset of a finished video, with size and SHA-256", response_model=Manifest
)
async def manifest(job_id: str, service: Service) -> Response:
    token = await _published(job_id, service)
    try:
        written = await to_thread.run_sync(service.data.manifest(job_id, token).read_bytes)
    except FileNotFoundError:
        raise _gone(job_id) from None
    return Response(written, media_type="application/json")


@router.get("/{job_id}/assets/{name}", response_class=FileResponse, summary="One asset of a finished video")
async def asset(job_id: str, name: str, service: Service, byte_range: ByteRange = None) -> Response:
    token = await _published(job_id, service)
    try:
        known = (await to_thread.run_sync(service.manifest, job_id, token)).asset(name)
    except FileNotFoundError:
        raise _gone(job_id) from None
    if known is None:
        raise Problem(HTTPStatus.NOT_FOUND, "unknown-asset", f"The video {job_id} has no asset {name[:80]}.")
    path = service.data.execution(job_id, token) / name
    headers = {"ETag": f'"{known.sha256}"', "Accept-Ranges": "bytes"}
    try:
        if known.bytes > IN_ONE_PIECE or byte_range is not None:
            found = await to_thread.run_sync(path.stat)
            return FileResponse(path, media_type=known.media_type, headers=headers, stat_result=found)
        whole = await to_thread.run_sync(path.read_bytes)
    except FileNotFoundError:
        raise _gone(job_id) from None
    return Response(whole, media_type=known.media_type, headers=headers)


@router.post("/{job_id}/cancel", summary="Cancel a video")
async def cancel(job_id: str, service: Service) -> Job:
    """A waiting job ends at once; a running one is asked to stop. An ended job is answered as it is."""
    cancellation = await service.ledger.cancel(job_id)
    if cancellation is Cancellation.UNKNOWN:
        raise _unknown(job_id)
    if cancellation is Cancellation.CANCELLED:
        await to_thread.run_sync(_remove_files, service, job_id)
    return await _known_job(job_id, service)


@router.delete("/{job_id}", status_code=HTTPStatus.NO_CONTENT, summary="Forget a video and its assets")
async def delete(job_id: str, service: Service) -> None:
    """A job that has not ended is cancelled first."""
    if await service.ledger.cancel(job_id) is Cancellation.REQUESTED:
        await _until_ended(job_id, service)
    deletion = await service.ledger.delete(job_id)
    if deletion is Deletion.UNKNOWN:
        raise _unknown(job_id)
    if deletion is Deletion.RUNNING:
        raise Problem(
            HTTPStatus.CONFLICT,
            "video-still-running",
            "The video is being cancelled and has not stopped yet; delete it again shortly.",
            headers={"Retry-After": "1"},
        )
    await to_thread.run_sync(_remove_files, service, job_id)


def _remove_files(service: State, job_id: str) -> None:
    shutil.rmtree(service.data.job(job_id), ignore_errors=True)
    service.data.upload(job_id).unlink(missing_ok=True)


async def _until_ended(job_id: str, service: State) -> None:
    loop = asyncio.get_running_loop()
    until = loop.time() + CANCEL_WAIT
    with service.changes.watch(job_id) as changes:
        while (found := await service.records.winner(job_id)) and not found[0].terminal:
            if await changes.next(until - loop.time()) is None:
                return
