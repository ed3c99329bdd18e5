from collections.abc import Mapping
from pathlib import Path

import pytest
from aiohttp import web

from contract.jobs import JobOptions, Outcome
from contract.manifest import VIDEO_NAME, Manifest
from contract.runfolder import JobRecord
from loadgen.client import Client
from loadgen.integrity import Inspection, inspect
from tests.unit.loadgen.handmade import record, video_id
from tests.unit.loadgen.tiny import serving
from tests.unit.loadgen.videos import TEXTS, Finished, finished

JOB = video_id(1)
ASKED = JobOptions(scenes=3)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    return finished(tmp_path_factory.mktemp("video"), job_id=JOB)


def paths(video: Finished, manifest: Manifest | None = None) -> dict[str, bytes]:
    """What a service answers for the job: by path."""
    found = {f"/v1/videos/{JOB}/assets/{name}": content for name, content in video.files.items()}
    return found | {f"/v1/videos/{JOB}/manifest": (manifest or video.manifest).model_dump_json().encode()}


async def inspected(contents: Mapping[str, bytes], records: list[JobRecord] | None = None) -> Inspection:
    async def answer(request: web.Request) -> web.Response:
        content = contents.get(request.path)
        if content is None:
            return web.json_response({"detail": "There is no such thing."}, status=404)
        return web.Response(body=content)

    app = web.Application()
    app.add_routes([web.get("/{path:.*}", answer)])
    async with serving(app) as url, Client(url) as client:
        return await inspect(client, [record(1)] if records is None else records, ASKED)


async def test_what_the_manifest_says_is_sound_and_a_video_is_kept_as_a_sample(sound: Finished) -> None:
    found = await inspected(paths(sound))
    assert (found.integrity.named, found.integrity.sound, found.integrity.videos) == (7, 7, 1)
    assert (found.integrity.losses, found.sample) == ([], sound.video)


@pytest.mark.parametrize("name", ["scene-0.png", "scene-2.aac", VIDEO_NAME])
@pytest.mark.parametrize("place", [0, 0.5, -1])
async def test_one_flipped_byte_in_any_asset_is_found_and_named(sound: Finished, name: str, place: float) -> None:
    contents = paths(sound)
    path = f"/v1/videos/{JOB}/assets/{name}"
    spoilt = bytearray(contents[path])
    spoilt[int(place * len(spoilt)) if place > 0 else int(place)] ^= 0x01
    found = (await inspected(contents | {path: bytes(spoilt)})).integrity
    assert (found.named, found.sound) == (7, 6)
    (loss,) = found.losses
    assert loss.startswith(f"{JOB}/{name}: is not what the manifest says")


async def test_a_missing_asset_is_found_and_named(sound: Finished) -> None:
    contents = paths(sound)
    del contents[f"/v1/videos/{JOB}/assets/scene-1.png"]
    found = (await inspected(contents)).integrity
    assert (found.named, found.sound) == (7, 6)
    assert found.losses == [f"{JOB}/scene-1.png: There is no such thing."]


@pytest.mark.parametrize("answer", [None, b"{}", b"no JSON"])
async def test_a_missing_or_unreadable_manifest_is_a_loss(sound: Finished, answer: bytes | None) -> None:
    contents = {} if answer is None else paths(sound) | {f"/v1/videos/{JOB}/manifest": answer}
    found = (await inspected(contents)).integrity
    assert (found.named, found.sound, found.videos) == (1, 0, 0)
    assert found.losses[0].startswith(f"{JOB}: no manifest (")


async def test_a_manifest_of_another_job_or_without_a_video_is_a_loss(sound: Finished) -> None:
    other = sound.manifest.model_copy(update={"job_id": video_id(2)})
    found = (await inspected(paths(sound, other))).integrity
    assert (found.named, found.sound) == (8, 7)
    assert found.losses == [f"{JOB}: the manifest is that of {video_id(2)}"]
    silent = sound.manifest.model_copy(update={"assets": sound.manifest.assets[:-1]})
    found = (await inspected(paths(sound, silent))).integrity
    assert (found.named, found.sound, found.losses) == (7, 6, [f"{JOB}: the manifest names no video"])


async def test_a_manifest_with_fewer_scenes_or_assets_than_were_asked_for_is_a_loss(sound: Finished) -> None:
    scenes, assets = sound.manifest.scenes, sound.manifest.assets
    short = sound.manifest.model_copy(update={"scenes": scenes[:2]})
    found = (await inspected(paths(sound, short))).integrity
    assert f"{JOB}: the manifest has 2 scenes, 3 were asked for" in found.losses
    mute = sound.manifest.model_copy(update={"assets": [one for one in assets if one.name != "scene-2.aac"]})
    found = (await inspected(paths(sound, mute))).integrity
    assert f"{JOB}: the manifest names 2 assets of the kind narration for 3 scenes" in found.losses


async def test_a_video_of_another_size_than_its_job_says_is_a_loss(sound: Finished) -> None:
    right = await inspected(paths(sound), [record(1, bytes=len(sound.video))])
    assert right.integrity.losses == []
    (loss,) = (await inspected(paths(sound), [record(1, bytes=5)])).integrity.losses
    assert loss == f"{JOB}: the job says that its video has 5 bytes, the manifest {len(sound.video)}"


async def test_a_video_in_which_scenes_speak_each_other_s_words_is_found(tmp_path: Path, sound: Finished) -> None:
    first, second, third = TEXTS
    (tmp_path / "swapped").mkdir()
    swapped = finished(tmp_path / "swapped", spoken=(second, first, third), job_id=JOB)
    told = sound.manifest.model_copy(update={"assets": [*sound.manifest.assets[:-1], swapped.manifest.assets[-1]]})
    contents = paths(sound, told) | {f"/v1/videos/{JOB}/assets/{VIDEO_NAME}": swapped.video}
    losses = (await inspected(contents)).integrity.losses
    assert any("narration 1 is not what is heard at its place" in loss for loss in losses)


async def test_the_right_files_of_the_wrong_scenes_are_found(tmp_path: Path, sound: Finished) -> None:
    first, second, third = (scene.visual_prompt for scene in sound.manifest.scenes)
    swapped = finished(tmp_path, shown=(second, first, third), job_id=JOB)
    found = (await inspected(paths(swapped))).integrity
    assert (found.named, found.sound) == (7, 6)
    assert f"{JOB}/{VIDEO_NAME}: scene 0 shows" in found.losses[0]


async def test_a_manifest_that_promises_another_picture_than_its_prompt_is_found(sound: Finished) -> None:
    lying = sound.manifest.model_copy(deep=True)
    lying.scenes[0].visual_prompt = "photo of what was really asked for"
    (loss,) = (await inspected(paths(sound, lying))).integrity.losses
    assert f"{JOB}/{VIDEO_NAME}: scene 0 names the request" in loss


async def test_jobs_that_made_no_video_are_not_inspected(sound: Finished) -> None:
    records = [record(1, outcome=Outcome.FAILED), record(2, id=None, outcome=None), record(3, outcome=None)]
    found = await inspected(paths(sound), records)
    assert (found.integrity.named, found.sample) == (0, None)
