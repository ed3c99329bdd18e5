"""Checks every asset that a run's manifests name: there, of the right size and SHA-256, and (MP4) the right scenes.

A placeholder is right where the manifest says that there is one, and a defect elsewhere.
"""

import asyncio
import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from contract.jobs import JobOptions, Outcome, VisualStyle
from contract.manifest import Asset, AssetKind, Manifest
from contract.pattern import request_hash
from contract.placeholder import is_silence
from contract.runfolder import Integrity, JobRecord
from loadgen.client import Client
from loadgen.mp4 import defects, unsaid
from loadgen.wire import RequestError

AT_ONCE = 4


@dataclass(slots=True)
class Inspection:
    integrity: Integrity
    sample: bytes | None = None
    """The last video looked at."""


async def inspect(client: Client, records: Iterable[JobRecord], asked: JobOptions) -> Inspection:
    """Downloads and checks all that the completed jobs of `records` left, which all were to be as `asked`."""
    gate = asyncio.Semaphore(AT_ONCE)
    inspection = Inspection(Integrity())

    async def one(job_id: str, record: JobRecord) -> None:
        async with gate:
            await _inspect_job(client, job_id, record, asked, inspection)

    done = (Outcome.COMPLETED, Outcome.PARTIAL)
    async with asyncio.TaskGroup() as group:
        for record in records:
            if record.id is not None and record.outcome in done:
                group.create_task(one(record.id, record))
    return inspection


async def _inspect_job(
    client: Client, job_id: str, record: JobRecord, asked: JobOptions, inspection: Inspection
) -> None:
    integrity = inspection.integrity
    integrity.jobs += 1
    try:
        manifest = Manifest.model_validate_json(await client.get(f"/v1/videos/{job_id}/manifest"))
    except (RequestError, ValueError) as error:
        _lose(integrity, f"{job_id}: no manifest ({error})")
        return
    integrity.videos += 1
    for contradiction in _contradictions(manifest, job_id, record, asked):
        _lose(integrity, f"{job_id}: {contradiction}")
    misnamed = _misnamed(manifest, asked.style)
    narrations: list[bytes] = []
    for asset in manifest.assets:
        integrity.named += 1
        try:
            content = await client.get(f"/v1/videos/{job_id}/assets/{asset.name}")
        except RequestError as error:
            integrity.losses.append(f"{job_id}/{asset.name}: {error}")
            continue
        wrong = []
        if len(content) != asset.bytes or hashlib.sha256(content).hexdigest() != asset.sha256:
            wrong.append("is not what the manifest says")
        if asset.kind is AssetKind.NARRATION:
            narrations += [] if wrong else [content]
            wrong += _misspoken(content, asset, manifest)
        if asset.kind is AssetKind.VIDEO:
            wrong += misnamed + await asyncio.to_thread(_wrong_video, content, manifest, narrations)
            inspection.sample = content
        if wrong:
            integrity.losses.append(f"{job_id}/{asset.name}: {'; '.join(wrong)}")
        else:
            integrity.sound += 1
            integrity.sound_videos += asset.kind is AssetKind.VIDEO


def _wrong_video(content: bytes, manifest: Manifest, narrations: Sequence[bytes]) -> list[str]:
    """`narrations` are those that are as the manifest says; where one is not, nobody knows what should be heard."""
    known = len(narrations) == len(manifest.scenes)
    return [*defects(content, manifest), *(unsaid(content, narrations) if known else ())]


def _lose(integrity: Integrity, loss: str) -> None:
    """Counts what a manifest should have named."""
    integrity.named += 1
    integrity.losses.append(loss)


def _contradictions(manifest: Manifest, job_id: str, record: JobRecord, asked: JobOptions) -> Iterator[str]:
    """Where the manifest is not the one that the job promises."""
    if manifest.job_id != job_id:
        yield f"the manifest is that of {manifest.job_id}"
    if manifest.failed_scenes != record.failed_scenes:
        yield f"the job names the failed scenes {record.failed_scenes}, the manifest {manifest.failed_scenes}"
    if len(manifest.scenes) != asked.scenes:
        yield f"the manifest has {len(manifest.scenes)} scenes, {asked.scenes} were asked for"
    kinds = Counter(asset.kind for asset in manifest.assets)
    for kind in (AssetKind.NARRATION, AssetKind.VISUAL):
        if kinds[kind] != len(manifest.scenes):
            yield f"the manifest names {kinds[kind]} assets of the kind {kind} for {len(manifest.scenes)} scenes"
    if not kinds[AssetKind.VIDEO]:
        yield "the manifest names no video"
    for asset in manifest.assets:
        if asset.kind is AssetKind.VIDEO and record.bytes not in {None, asset.bytes}:
            yield f"the job says that its video has {record.bytes} bytes, the manifest {asset.bytes}"


def _misspoken(content: bytes, narration: Asset, manifest: Manifest) -> list[str]:
    """A narration that is silence, or a silence that is none."""
    silent = any(
        scene.index == narration.scene and AssetKind.NARRATION in scene.placeholders for scene in manifest.scenes
    )
    if is_silence(content) is silent:
        return []
    return [
        "is no silence, although the manifest says so" if silent else "is silence, and the manifest does not say so"
    ]


def _misnamed(manifest: Manifest, style: VisualStyle) -> list[str]:
    """Scenes whose picture the manifest promises to be another one than their prompt asks for."""
    return [
        f"scene {scene.index} names the request {scene.request_hash}, its prompt asks for another"
        for scene in manifest.scenes
        if scene.request_hash != request_hash(scene.visual_prompt, style)
    ]
