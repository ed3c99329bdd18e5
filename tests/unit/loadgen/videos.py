"""Finished videos from the mocks' own material, put together as a worker does it."""

import hashlib
from base64 import b64decode
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from pathlib import Path

import orjson

from contract.jobs import VisualStyle
from contract.manifest import VIDEO_NAME, Asset, AssetKind, Manifest, SceneRecord
from contract.pattern import request_hash
from mocks.tts import Speaker
from mocks.visual import Painter
from tests.unit.loadgen.handmade import video_id
from workers import adts
from workers.sandbox.video import SceneFiles, assemble

PROMPTS = ("diagram of the first thing", "chart of the second thing", "photo of the third thing")
TEXTS = ("One short sentence is spoken here.", "The second one is a good deal longer than that.", "The last.")

painter, speaker = cache(Painter), cache(Speaker)


def picture(prompt: str) -> bytes:
    answer = painter().paint(orjson.dumps({"model": "m", "prompt": prompt, "style": VisualStyle.CLEAN}))
    return b64decode(orjson.loads(answer.content)["data"][0]["b64_json"])


def narration(text: str) -> bytes:
    return speaker().speak(orjson.dumps({"model": "m", "input": text, "voice": "alloy"})).content


@dataclass(frozen=True, slots=True)
class Finished:
    manifest: Manifest
    files: dict[str, bytes]

    @property
    def video(self) -> bytes:
        return self.files[VIDEO_NAME]


def finished(
    folder: Path,
    *,
    shown: tuple[str, ...] = PROMPTS,
    spoken: tuple[str, ...] = TEXTS,
    job_id: str = video_id(1),
) -> Finished:
    """A video whose manifest promises PROMPTS and TEXTS, made of the pictures and texts that are given."""
    lengths = [adts.seconds(narration(text)) for text in TEXTS]
    files: dict[str, bytes] = {}
    scenes: list[SceneFiles] = []
    for index, (prompt, text) in enumerate(zip(shown, spoken, strict=True)):
        names = (f"scene-{index}.png", f"scene-{index}.aac")
        files |= dict(zip(names, (picture(prompt), narration(text)), strict=True))
        scenes.append({"visual": names[0], "narration": names[1], "seconds": lengths[index]})
    for name, content in files.items():
        (folder / name).write_bytes(content)
    assemble(str(folder), scenes, VIDEO_NAME)
    files[VIDEO_NAME] = (folder / VIDEO_NAME).read_bytes()
    starts = list(accumulate(lengths, initial=0.0))
    manifest = Manifest(
        job_id=job_id,
        title="Things",
        document_sha256="0" * 64,
        seconds=sum(lengths),
        scenes=[
            SceneRecord(
                index=index,
                narration=TEXTS[index],
                visual_type="photo",
                visual_prompt=prompt,
                request_hash=request_hash(prompt, VisualStyle.CLEAN),
                start=starts[index],
                seconds=lengths[index],
            )
            for index, prompt in enumerate(PROMPTS)
        ],
        assets=[asset(name, content) for name, content in files.items()],
    )
    return Finished(manifest, files)


def asset(name: str, content: bytes) -> Asset:
    kinds = {"png": AssetKind.VISUAL, "aac": AssetKind.NARRATION, "mp4": AssetKind.VIDEO}
    return Asset(
        name=name,
        kind=kinds[name.rpartition(".")[2]],
        scene=None,
        media_type="application/octet-stream",
        bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
    )
