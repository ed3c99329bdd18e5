"""Checks every asset that a run's manifests name: there, of the right size and SHA-256, and (MP4) the right scenes.

A placeholder is right where the manifest says that there is one, and a defect elsewhere.
"""

import asyncio
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial

from contract.jobs import Outcome, VisualStyle
from contract.manifest import Asset, AssetKind, Manifest
from contract.pattern import request_hash
from contract.placeholder import is_silence
from contract.runfolder import Integrity, JobRecord
from loadgen.client import Client
from loadgen.mp4 import defects
from loadgen.wire import RequestError

AT_ONCE = 4


@dataclass(slots=True)
class Inspection:
    integrity: Integrity
    sample: bytes | None = None
    """The last video looked at."""


async def inspect(client: Client, records: Iterable[JobRecord], style: VisualStyle) -> Inspection:
    """Downloads and checks all that the completed jobs of `records` left."""
    gate = asyncio.Semaphore(AT_ONCE)
    inspection = Inspection(Integrity())

    async def one(job_id: str, failed_scenes: list[int]) -> None:
        async with gate:
            await _inspect_job(client, job_id, failed_scenes, style, inspection)

    done = (Outcome.COMPLETED, Outcome.PARTIAL)
    async with asyncio.TaskGroup() as group:
        for record in records:
            if record.id is not None and record.outcome in done:
                group.create_task(one(record.id, record.failed_scenes))
    return inspection


async def _inspect_job(
    client: Client, job_id: str, failed_scenes: list[int], style: VisualStyle, inspection: Inspection
) -> None:
    integrity = inspection.integrity
    integrity.jobs += 1
    try:
        manifest = Manifest.model_validate_json(await client.get(f"/v1/videos/{job_id}/manifest"))
    except (RequestError, ValueError) as error:
        _lose(integrity, f"{job_id}: no manifest ({error})")
        return
    integrity.videos += 1
    for contradiction in _contradictions(manifest, job_id, failed_scenes):
        _lose(integrity, f"{job_id}: {contradiction}")
    misnamed = _misnamed(manifest, style)
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
            wrong += _misspoken(content, asset, manifest)
        if asset.kind is AssetKind.VIDEO:
            wrong += misnamed + await asyncio.to_thread(partial(defects, content, manifest))
            inspection.sample = content
        if wrong:
            integrity.losses.append(f"{job_id}/{asset.name}: {'; '.join(wrong)}")
        else:
            integrity.sound += 1
            integrity.sound_videos += asset.kind is AssetKind.VIDEO


def _lose(integrity: Integrity, loss: str) -> None:
    """Counts what a manifest should have named."""
    integrity.named += 1
    integrity.losses.append(loss)


def _contradictions(manifest: Manifest, job_id: str, failed_scenes: list[int]) -> Iterator[str]:
    """Where the manifest is not the one that the job promises."""
    if manifest.job_id != job_id:
        yield f"the manifest is that of {manifest.job_id}"
    if manifest.failed_scenes != failed_scenes:
        yield f"the job names the failed scenes {failed_scenes}, the manifest {manifest.failed_scenes}"
    if not any(asset.kind is AssetKind.VIDEO for asset in manifest.assets):
        yield "the manifest names no video"


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
