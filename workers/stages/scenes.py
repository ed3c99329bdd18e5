"""Narration and picture of every scene, all at once unless told otherwise.

What cannot be had of one is replaced; the others go on.
"""

import asyncio
import contextlib
import logging
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from anyio import to_thread

from contract.catalogue import StageLabel
from contract.jobs import ErrorCode
from contract.manifest import AssetKind
from contract.pattern import request_hash
from workers import adts, placeholder
from workers.errors import StageError
from workers.providers import tts, visual
from workers.providers.errors import ProviderError
from workers.sandbox.pool import SandboxDiedError
from workers.tools import Tools
from workers.work import SceneWork, Work

log = logging.getLogger(__name__)

Make = Callable[[SceneWork, Work, Tools], Awaitable[None]]

USUAL_RATE = 24_000
"""Hz of a narration where there is no other to go by."""


async def scenes(work: Work, tools: Tools) -> None:
    """Raises StageError when more than half of the scenes failed."""
    turn = contextlib.nullcontext() if tools.workload.parallel_scenes else asyncio.Lock()

    async def in_turn(make: Make, scene: SceneWork) -> None:
        async with turn:
            await make(scene, work, tools)

    try:
        async with asyncio.TaskGroup() as group:
            for scene in work.scenes:
                group.create_task(in_turn(_narration, scene))
                group.create_task(in_turn(_picture, scene))
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None  # the first to fail for a reason of ours; the others were cancelled
    failed = work.failed_scenes
    if 2 * len(failed) > len(work.scenes):
        why = next(iter(failed[0].failures.values()))
        raise StageError(
            ErrorCode.PROVIDER_FAILED,
            f"{len(failed)} of {len(work.scenes)} scenes failed, more than half. Scene {failed[0].index}: {why}",
        )
    for scene in failed:
        log.warning("job %s: placeholders in scene %d: %s", work.claim.job_id, scene.index, scene.failures)
        _stand_in(scene, work)


async def _narration(scene: SceneWork, work: Work, tools: Tools) -> None:
    began = time.perf_counter()
    try:
        said = await tts.narrate(tools.tts, scene.text.narration, work.options.voice, work.call(scene.index))
        scene.narration = said.content if said.seconds else await _encoded(said.content, tools)
    except (ProviderError, StageError) as error:
        scene.failures[AssetKind.NARRATION] = str(error)
        return
    scene.seconds = said.seconds or adts.seconds(scene.narration)
    tools.metrics.stage_seconds.labels(StageLabel.NARRATION).observe(time.perf_counter() - began)


async def _encoded(wav: bytes, tools: Tools) -> bytes:
    with tempfile.TemporaryDirectory(prefix="narration-", dir=tools.data.artifacts, ignore_cleanup_errors=True) as name:
        source, target = Path(name) / "in.wav", Path(name) / "out.aac"
        await to_thread.run_sync(source.write_bytes, wav)
        try:
            await tools.sandbox.run("encode_wav", tools.workload.assemble_timeout, path=str(source), output=str(target))
        except SandboxDiedError as error:
            raise StageError(ErrorCode.PROVIDER_FAILED, f"A narration could not be encoded. {error}") from error
        return await to_thread.run_sync(target.read_bytes)


async def _picture(scene: SceneWork, work: Work, tools: Tools) -> None:
    began = time.perf_counter()
    prompt = scene.text.visual_prompt
    try:
        scene.picture = await visual.draw(tools.visual, prompt, work.options.style, work.call(scene.index))
    except ProviderError as error:
        scene.failures[AssetKind.VISUAL] = str(error)
        return
    tools.metrics.stage_seconds.labels(StageLabel.VISUAL).observe(time.perf_counter() - began)


def _stand_in(scene: SceneWork, work: Work) -> None:
    if AssetKind.VISUAL in scene.failures:
        scene.picture = placeholder.picture(request_hash(scene.text.visual_prompt, work.options.style))
    if AssetKind.NARRATION in scene.failures:
        scene.narration = placeholder.narration(scene.text.narration, _rate(work))
        scene.seconds = adts.seconds(scene.narration)


def _rate(work: Work) -> int:
    """Of the narrations that there are: all sounds of a video must have the same."""
    spoken = (scene.narration for scene in work.scenes if AssetKind.NARRATION not in scene.failures)
    return next((adts.read(narration).rate for narration in spoken), USUAL_RATE)
