"""A placeholder is right where the manifest says that there is one, and nowhere else."""

from pathlib import Path

import pytest

from contract.jobs import VisualStyle
from contract.manifest import AssetKind, Manifest
from contract.pattern import request_hash
from contract.placeholder import placeholder_hash
from loadgen.mp4 import defects
from tests.unit.loadgen import test_integrity, videos
from tests.unit.loadgen.handmade import record
from tests.unit.loadgen.videos import PROMPTS, TEXTS, Finished, finished, narration, picture
from workers import placeholder

VISUAL, NARRATION = AssetKind.VISUAL, AssetKind.NARRATION
SECOND = request_hash(PROMPTS[1], VisualStyle.CLEAN)


@pytest.fixture
def without_second_scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Finished:
    """Its second scene consists of placeholders, and its manifest does not say so."""
    monkeypatch.setattr(
        videos, "picture", lambda prompt: placeholder.picture(SECOND) if prompt == PROMPTS[1] else picture(prompt)
    )
    monkeypatch.setattr(
        videos,
        "narration",
        lambda text: placeholder.narration(text, 24_000) if text == TEXTS[1] else narration(text),
    )
    made = finished(tmp_path, job_id=test_integrity.JOB)
    for asset in made.manifest.assets:
        asset.scene = int(asset.name[6]) if asset.name.startswith("scene-") else None
    return made


def saying(manifest: Manifest, *placeholders: AssetKind, scene: int = 1) -> Manifest:
    changed = manifest.model_copy(deep=True)
    changed.scenes[scene].placeholders = list(placeholders)
    return changed


async def losses(video: Finished, manifest: Manifest, failed_scenes: list[int]) -> list[str]:
    """What the inspection of a job with these failed scenes finds, without the job's name."""
    found = await test_integrity.inspected(
        test_integrity.paths(video, manifest), [record(1, failed_scenes=failed_scenes)]
    )
    return [loss.removeprefix(test_integrity.JOB).lstrip("/: ") for loss in found.integrity.losses]


async def test_placeholders_are_sound_where_the_manifest_names_them(without_second_scene: Finished) -> None:
    told = saying(without_second_scene.manifest, VISUAL, NARRATION)
    assert defects(without_second_scene.video, told) == []
    assert await losses(without_second_scene, told, [1]) == []


async def test_placeholders_that_the_manifest_conceals_are_found(without_second_scene: Finished) -> None:
    video, manifest = without_second_scene, without_second_scene.manifest
    assert await losses(video, manifest, []) == [
        "scene-1.aac: is silence, and the manifest does not say so",
        f"video.mp4: scene 1 shows {placeholder_hash(SECOND)}, not {SECOND}",
    ]
    (loss,) = await losses(video, saying(manifest, VISUAL), [1])
    assert loss.startswith("scene-1.aac: is silence")
    (loss,) = await losses(video, saying(manifest, NARRATION), [1])
    assert loss.startswith("video.mp4: scene 1 shows")


@pytest.mark.parametrize(
    ("kind", "said"), [(VISUAL, "video.mp4: scene 0 shows"), (NARRATION, "scene-0.aac: is no silence")]
)
async def test_a_manifest_that_calls_the_real_thing_a_placeholder_is_found(
    without_second_scene: Finished, kind: AssetKind, said: str
) -> None:
    told = saying(saying(without_second_scene.manifest, VISUAL, NARRATION), kind, scene=0)
    (loss,) = await losses(without_second_scene, told, [0, 1])
    assert loss.startswith(said)


async def test_the_placeholder_of_another_scene_is_none_of_this_one(without_second_scene: Finished) -> None:
    told = saying(without_second_scene.manifest, VISUAL, NARRATION)
    told.scenes[1].visual_prompt, told.scenes[1].request_hash = "A photo", request_hash("A photo", VisualStyle.CLEAN)
    (loss,) = await losses(without_second_scene, told, [1])
    assert loss.startswith(f"video.mp4: scene 1 shows {placeholder_hash(SECOND)}, not ")


async def test_job_and_manifest_must_name_the_same_failed_scenes(without_second_scene: Finished) -> None:
    told = saying(without_second_scene.manifest, VISUAL, NARRATION)
    assert await losses(without_second_scene, told, []) == ["the job names the failed scenes [], the manifest [1]"]
