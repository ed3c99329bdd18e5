import asyncio
import hashlib
from pathlib import Path

from anyio import to_thread

from contract.jobs import ErrorCode
from contract.manifest import VIDEO_NAME, Asset, AssetKind
from contract.settings import Plant
from workers.errors import StageError
from workers.sandbox.pool import SandboxDiedError
from workers.tools import Tools
from workers.work import Work


async def assemble(work: Work, tools: Tools) -> None:
    """The assets of all scenes on disk, and the video made of them."""
    # not in the thread: nothing ends a thread, and one that makes the folder after it was discarded leaves it behind
    work.folder.mkdir(parents=True)
    work.assets = await to_thread.run_sync(_write_scenes, work)
    pictures = [scene.picture_name for scene in work.scenes]
    if Plant.SWAP_SCENES in tools.workload.plant:
        pictures[:2] = reversed(pictures[:2])
    scenes = [
        {"visual": picture, "narration": scene.narration_name, "seconds": scene.seconds}
        for picture, scene in zip(pictures, work.scenes, strict=True)
    ]
    try:
        result = await tools.sandbox.run(
            "assemble", tools.workload.assemble_timeout, folder=str(work.folder), scenes=scenes, output=VIDEO_NAME
        )
    except SandboxDiedError as error:
        raise StageError(ErrorCode.ASSEMBLY_FAILED, f"The video could not be put together. {error}") from error
    if Plant.SLOW_ASSEMBLY in tools.workload.plant:
        await asyncio.sleep(0.2)
    work.cpu = result.cpu
    work.assets.append(
        Asset(
            name=VIDEO_NAME,
            kind=AssetKind.VIDEO,
            scene=None,
            media_type="video/mp4",
            bytes=result.value["bytes"],
            sha256=result.value["sha256"],
        )
    )


def _write_scenes(work: Work) -> list[Asset]:
    assert work.script is not None
    script = work.script.model_dump_json(indent=1).encode()
    assets = [_write(work.folder, "script.json", AssetKind.SCRIPT, None, "application/json", script)]
    for scene in work.scenes:
        assets += (
            _write(work.folder, scene.narration_name, AssetKind.NARRATION, scene.index, "audio/aac", scene.narration),
            _write(work.folder, scene.picture_name, AssetKind.VISUAL, scene.index, "image/png", scene.picture),
        )
    return assets


def _write(folder: Path, name: str, kind: AssetKind, scene: int | None, media_type: str, content: bytes) -> Asset:
    (folder / name).write_bytes(content)
    return Asset(
        name=name,
        kind=kind,
        scene=scene,
        media_type=media_type,
        bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
    )
