"""Narration and picture of every scene, all at once."""

import asyncio
import tempfile
import time
from pathlib import Path

from anyio import to_thread

from contract.catalogue import StageLabel
from contract.jobs import ErrorCode
from workers import adts
from workers.errors import StageError
from workers.providers import tts, visual
from workers.sandbox.pool import SandboxDiedError
from workers.tools import Tools
from workers.work import SceneWork, Work


async def scenes(work: Work, tools: Tools) -> None:
    try:
        async with asyncio.TaskGroup() as group:
            for scene in work.scenes:
                group.create_task(_narration(scene, work, tools))
                group.create_task(_picture(scene, work, tools))
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None  # the first to fail; the others were cancelled for it


async def _narration(scene: SceneWork, work: Work, tools: Tools) -> None:
    began = time.perf_counter()
    key = work.call_key(scene.index)
    said = await tts.narrate(tools.tts, scene.text.narration, work.options.voice, key, work.timings.calls)
    scene.narration = said.content if said.seconds else await _encoded(said.content, tools)
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
    key = work.call_key(scene.index)
    prompt = scene.text.visual_prompt
    scene.picture = await visual.draw(tools.visual, prompt, work.options.style, key, work.timings.calls)
    tools.metrics.stage_seconds.labels(StageLabel.VISUAL).observe(time.perf_counter() - began)
