"""Narration and picture of every scene, all at once."""

import asyncio
import tempfile
import time
from pathlib import Path

from anyio import to_thread

from contract.catalogue import StageLabel
from workers import adts
from workers.providers import tts, visual
from workers.tools import Tools
from workers.work import SceneWork, Work

WAV_SIGNATURE = b"RIFF"


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
    content = await tts.narrate(tools.tts, scene.text.narration, work.options.voice, key, work.timings.calls)
    if content.startswith(WAV_SIGNATURE):
        content = await _encoded(content, tools)
    try:
        scene.seconds = adts.seconds(content)
    except ValueError as error:
        raise tools.tts.bad_payload(str(error)) from None
    scene.narration = content
    tools.metrics.stage_seconds.labels(StageLabel.NARRATION).observe(time.perf_counter() - began)


async def _encoded(wav: bytes, tools: Tools) -> bytes:
    with tempfile.TemporaryDirectory(prefix="narration-", dir=tools.data.artifacts) as folder:
        source, target = Path(folder) / "in.wav", Path(folder) / "out.aac"
        await to_thread.run_sync(source.write_bytes, wav)
        await tools.sandbox.run("encode_wav", tools.workload.assemble_timeout, path=str(source), output=str(target))
        return await to_thread.run_sync(target.read_bytes)


async def _picture(scene: SceneWork, work: Work, tools: Tools) -> None:
    began = time.perf_counter()
    key = work.call_key(scene.index)
    prompt = scene.text.visual_prompt
    scene.picture = await visual.draw(tools.visual, prompt, work.options.style, key, work.timings.calls)
    tools.metrics.stage_seconds.labels(StageLabel.VISUAL).observe(time.perf_counter() - began)
