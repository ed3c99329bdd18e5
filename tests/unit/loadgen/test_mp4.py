import io
from pathlib import Path

import av
import pytest

from contract.jobs import VisualStyle
from contract.pattern import request_hash
from loadgen.mp4 import defects
from tests.unit.loadgen.videos import PROMPTS, TEXTS, Finished, finished

FIRST, SECOND, THIRD = PROMPTS


def named(prompt: str) -> str:
    return request_hash(prompt, VisualStyle.CLEAN)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    return finished(tmp_path_factory.mktemp("video"))


def without(content: bytes, kind: str) -> bytes:
    """The same video, with the packets of the other streams only."""
    target = io.BytesIO()
    with av.open(io.BytesIO(content), "r") as source, av.open(target, "w", format="mp4") as copy:
        kept = [stream for stream in source.streams if stream.type != kind]
        copies = {stream.index: copy.add_stream_from_template(stream) for stream in kept}
        for packet in source.demux(kept):
            if packet.size:
                packet.stream = copies[packet.stream.index]
                copy.mux(packet)
    return target.getvalue()


def test_a_sound_video_has_no_defects(sound: Finished) -> None:
    assert defects(sound.video, sound.manifest) == []


def test_swapped_scenes_are_named_with_what_they_show(tmp_path: Path) -> None:
    swapped = finished(tmp_path, shown=(SECOND, FIRST, THIRD))
    assert defects(swapped.video, swapped.manifest) == [
        f"scene 0 shows {named(SECOND)}, not {named(FIRST)}",
        f"scene 1 shows {named(FIRST)}, not {named(SECOND)}",
    ]


def test_one_wrong_picture_is_named(tmp_path: Path) -> None:
    wrong = finished(tmp_path, shown=(FIRST, SECOND, "photo of something else"))
    assert defects(wrong.video, wrong.manifest) == [
        f"scene 2 shows {named('photo of something else')}, not {named(THIRD)}"
    ]


def test_a_scene_that_is_cut_short_by_the_next_shows_both(sound: Finished) -> None:
    late = sound.manifest.model_copy(deep=True)
    late.scenes[0].seconds += 1.5
    (defect,) = defects(sound.video, late)
    assert defect.startswith("scene 0 shows ")
    assert named(FIRST) in defect
    assert named(SECOND) in defect


@pytest.mark.parametrize("share", [0.0, 0.02, 0.3, 0.6])
def test_a_truncated_file_is_never_sound(sound: Finished, share: float) -> None:
    assert defects(sound.video[: int(len(sound.video) * share)], sound.manifest)


@pytest.mark.parametrize("content", [b"", b"no video at all", b"\0" * 5000])
def test_what_is_no_video_cannot_be_decoded(sound: Finished, content: bytes) -> None:
    (defect,) = defects(content, sound.manifest)
    assert defect.startswith("cannot be decoded: ")


@pytest.mark.parametrize("kind", ["audio", "video"])
def test_a_missing_stream_is_a_defect(sound: Finished, kind: str) -> None:
    assert defects(without(sound.video, kind), sound.manifest) == ["no video or no audio stream"]


def test_a_narration_that_breaks_off_is_a_defect_although_the_pictures_go_on(tmp_path: Path) -> None:
    short = finished(tmp_path, spoken=("One.", "Two.", TEXTS[2]))
    (defect,) = defects(short.video, short.manifest)
    assert defect.startswith("the audio lasts ")


@pytest.mark.parametrize(("factor", "sound_length"), [(1.05, True), (0.95, True), (1.25, False), (0.8, False)])
def test_the_length_may_differ_by_a_tenth(sound: Finished, factor: float, *, sound_length: bool) -> None:
    promised = sound.manifest.model_copy(update={"seconds": sound.manifest.seconds * factor})
    found = defects(sound.video, promised)
    assert (found == []) is sound_length
    assert all("lasts" in defect for defect in found)
