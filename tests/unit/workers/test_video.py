import math
import wave
from collections.abc import Callable
from hashlib import sha256
from itertools import accumulate, pairwise
from pathlib import Path

import av
import pytest

from contract import pattern
from contract.jobs import ErrorCode
from tests.unit.workers.material import Scene
from workers import adts
from workers.errors import StageError
from workers.sandbox.video import assemble, encode_wav

ADTS_HEADER = 7


def made(folder: Path, scenes: list[Scene]) -> Path:
    assemble(str(folder), [scene.files for scene in scenes], "video.mp4")
    return folder / "video.mp4"


def test_the_answer_describes_the_file(tmp_path: Path, scenes: list[Scene]) -> None:
    answer = assemble(str(tmp_path), [scene.files for scene in scenes], "video.mp4")
    content = (tmp_path / "video.mp4").read_bytes()
    assert answer == {
        "seconds": pytest.approx(sum(scene.seconds for scene in scenes)),
        "bytes": len(content),
        "sha256": sha256(content).hexdigest(),
    }
    assert content.index(b"moov") < content.index(b"mdat"), "a player must be able to start before it has everything"


def test_sound_is_the_narrations_frame_by_frame_and_plays(tmp_path: Path, scenes: list[Scene]) -> None:
    with av.open(made(tmp_path, scenes)) as video:
        assert [stream.type for stream in video.streams] == ["video", "audio"]
        sound = video.streams.audio[0]
        packets = [packet for packet in video.demux(sound) if packet.size]
    expected = [frame[ADTS_HEADER:] for scene in scenes for frame in adts.read(scene.narration).frames]
    assert [bytes(packet) for packet in packets] == expected
    assert [packet.pts for packet in packets] == [1024 * number for number in range(len(expected))]
    with av.open(made(tmp_path, scenes), options={"err_detect": "explode"}) as video:
        samples = sum(frame.samples for frame in video.decode(audio=0))
    assert samples == 1024 * len(expected)


def test_each_scene_is_shown_from_its_first_word_to_its_last(tmp_path: Path, scenes: list[Scene]) -> None:
    starts = [*accumulate((scene.seconds for scene in scenes), initial=0.0)]
    with av.open(made(tmp_path, scenes)) as video:
        shown = [
            (float(frame.time or 0), pattern.read(frame.to_ndarray(format="gray"))) for frame in video.decode(video=0)
        ]
        stream = video.streams.video[0]
        assert stream.duration is not None
        assert stream.time_base is not None
        assert float(stream.duration * stream.time_base) == pytest.approx(starts[-1], abs=0.002)
        assert (video.duration or 0) / av.time_base == pytest.approx(starts[-1], abs=0.05)
        assert (stream.width, stream.height, stream.codec_context.name) == (320, 180, "h264")
    for scene, start, end in zip(scenes, starts, starts[1:], strict=False):
        inside = [(time, seen) for time, seen in shown if start - 0.001 < time < end - 0.001]
        assert {seen for _, seen in inside} == {scene.request_hash}
        assert inside[0][0] == pytest.approx(start, abs=0.001)
    assert all(later[0] - earlier[0] <= 1.001 for earlier, later in pairwise(shown))
    assert len(shown) == sum(math.ceil(scene.seconds) for scene in scenes)


def test_a_player_can_seek_to_each_scene(tmp_path: Path, scenes: list[Scene]) -> None:
    with av.open(made(tmp_path, scenes)) as video:
        keys = [float(packet.pts * packet.time_base) for packet in video.demux(video=0) if packet.is_keyframe]  # type: ignore[operator] # a key frame has both
    starts = [*accumulate((scene.seconds for scene in scenes), initial=0.0)][:-1]
    assert keys == pytest.approx(starts, abs=0.001)


def test_scenes_of_a_whole_number_of_seconds_and_barely_more_join(tmp_path: Path, scenes: list[Scene]) -> None:
    """No two frames fall on the same moment, whatever the lengths are."""
    files = [scene.files | {"seconds": seconds} for scene, seconds in zip(scenes, (2.0, 3.0003, 1.0), strict=True)]
    assert assemble(str(tmp_path), files, "video.mp4")["seconds"] == pytest.approx(6.0003)


@pytest.mark.parametrize("kept", [0, 30, -200])
def test_a_picture_that_is_none_is_refused(tmp_path: Path, scenes: list[Scene], kept: int) -> None:
    picture = tmp_path / scenes[1].picture_name
    picture.write_bytes(picture.read_bytes()[:kept])
    with pytest.raises(StageError) as caught:
        made(tmp_path, scenes)
    assert caught.value.code is ErrorCode.ASSEMBLY_FAILED


@pytest.mark.parametrize("lost", [1, 100])
def test_a_narration_that_is_cut_off_is_refused(tmp_path: Path, scenes: list[Scene], lost: int) -> None:
    (tmp_path / scenes[2].narration_name).write_bytes(scenes[2].narration[:-lost])
    with pytest.raises(StageError, match="ADTS") as caught:
        made(tmp_path, scenes)
    assert caught.value.code is ErrorCode.ASSEMBLY_FAILED


def test_narrations_of_different_rates_are_refused(tmp_path: Path, scenes: list[Scene]) -> None:
    """They cannot share a stream without being encoded again."""
    frames = [bytearray(frame) for frame in adts.read(scenes[1].narration).frames]
    for frame in frames:
        frame[2] = frame[2] & ~0x3C | 4 << 2
    (tmp_path / scenes[1].narration_name).write_bytes(b"".join(frames))
    with pytest.raises(StageError, match="different sampling rates"):
        made(tmp_path, scenes)


def test_a_missing_file_is_refused(tmp_path: Path, scenes: list[Scene]) -> None:
    (tmp_path / scenes[0].picture_name).unlink()
    with pytest.raises(StageError) as caught:
        made(tmp_path, scenes)
    assert caught.value.code is ErrorCode.ASSEMBLY_FAILED


def test_a_wav_narration_becomes_aac_of_its_length(tmp_path: Path, speak: Callable[..., bytes]) -> None:
    source, target = tmp_path / "in.wav", tmp_path / "out.aac"
    source.write_bytes(speak("word " * 12, "wav"))
    assert encode_wav(str(source), str(target)) == {}
    sound = adts.read(target.read_bytes())
    assert sound.rate == 24_000
    assert sound.seconds == pytest.approx(4.8, abs=0.1)


def test_a_wav_of_another_rate_and_two_channels_is_converted(tmp_path: Path) -> None:
    source, target = tmp_path / "in.wav", tmp_path / "out.aac"
    with wave.open(str(source), "wb") as out:
        out.setparams((2, 2, 44_100, 0, "NONE", ""))
        out.writeframes(bytes(2 * 2 * 44_100))
    encode_wav(str(source), str(target))
    sound = adts.read(target.read_bytes())
    assert sound.rate == 24_000
    assert sound.seconds == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize("content", [b"", b"RIFF" + bytes(100), "mp4"], ids=["empty", "header only", "no sound"])
def test_a_wav_that_is_none_blames_the_provider(tmp_path: Path, scenes: list[Scene], content: bytes | str) -> None:
    source = tmp_path / "in.wav"
    source.write_bytes((tmp_path / scenes[0].picture_name).read_bytes() if isinstance(content, str) else content)
    with pytest.raises(StageError) as caught:
        encode_wav(str(source), str(tmp_path / "out.aac"))
    assert caught.value.code is ErrorCode.PROVIDER_FAILED


def test_the_pattern_check_can_fail(tmp_path: Path, scenes: list[Scene]) -> None:
    with av.open(made(tmp_path, scenes[::-1])) as video:
        first = next(video.decode(video=0))
    assert pattern.read(first.to_ndarray(format="gray")) == scenes[-1].request_hash != scenes[0].request_hash


def test_content_is_the_same_each_time(tmp_path: Path, scenes: list[Scene]) -> None:
    assert made(tmp_path, scenes).read_bytes() == made(tmp_path, scenes).read_bytes()
