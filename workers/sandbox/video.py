"""From pictures and narrations to one MP4. Runs in a warm process of its own, off the worker's event loop."""

import hashlib
import io
from fractions import Fraction
from pathlib import Path
from typing import TypedDict

import av
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType, VideoFrame
from av.video.stream import VideoStream

from contract.jobs import ErrorCode
from contract.pattern import HEIGHT, WIDTH
from workers import adts
from workers.errors import StageError

MILLISECONDS = Fraction(1, 1000)
X264 = {"preset": "ultrafast", "tune": "stillimage,zerolatency", "crf": "26"}
PROBED = 4
"""Frames from which FFmpeg learns what kind of sound it is."""


class SceneFiles(TypedDict):
    visual: str
    narration: str
    seconds: float


def assemble(folder: str, scenes: list[SceneFiles], output: str) -> dict[str, object]:
    """`{seconds, bytes, sha256}` of `folder/output`: scenes in order, one picture a second, AAC as it came."""
    root = Path(folder)
    path = root / output
    try:
        with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as container:
            _mux(container, root, scenes)
        content = path.read_bytes()
    except (av.FFmpegError, OSError, ValueError) as error:
        raise StageError(ErrorCode.ASSEMBLY_FAILED, f"The scenes cannot be put together: {error}") from error
    return {
        "seconds": sum(scene["seconds"] for scene in scenes),
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }


def _mux(container: OutputContainer, root: Path, scenes: list[SceneFiles]) -> None:
    video = container.add_stream("libx264", rate=1, options=X264)
    video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    video.codec_context.time_base = MILLISECONDS
    video.codec_context.thread_count = 1
    sounds = [adts.read((root / scene["narration"]).read_bytes()) for scene in scenes]
    tick = Fraction(1, sounds[0].rate)
    if any(sound.rate != sounds[0].rate for sound in sounds):
        raise ValueError("the narrations have different sampling rates")
    audio = _audio_stream(container, sounds[0])
    samples = 0
    start = 0.0
    for scene, sound in zip(scenes, sounds, strict=True):
        _show(container, video, _picture(root / scene["visual"]), start, scene["seconds"])
        for frame in sound.frames:
            packet = av.Packet(frame)
            packet.stream = audio
            packet.time_base = tick
            packet.pts = packet.dts = samples
            packet.duration = adts.SAMPLES_PER_FRAME
            samples += adts.SAMPLES_PER_FRAME
            container.mux_one(packet)
        start += scene["seconds"]
    container.mux(video.encode(None))


def _audio_stream(container: OutputContainer, sound: adts.Sound) -> AudioStream:
    """A stream of the kind of `sound`; FFmpeg's muxer takes the ADTS headers off the packets that go into it."""
    with av.open(io.BytesIO(b"".join(sound.frames[:PROBED])), format="aac") as probed:
        return container.add_stream_from_template(probed.streams.audio[0])


def _picture(path: Path) -> VideoFrame:
    decoder = av.CodecContext.create("png", "r")
    assert isinstance(decoder, VideoCodecContext)
    frames = decoder.decode(av.Packet(path.read_bytes()))
    if not frames:
        raise ValueError(f"{path.name} is not a picture")
    return frames[0].reformat(width=WIDTH, height=HEIGHT, format="yuv420p", threads=1)


def _show(container: OutputContainer, video: VideoStream, picture: VideoFrame, start: float, seconds: float) -> None:
    """Holds a picture on screen from `start`: a frame a second, the first a key frame for players to seek to."""
    first, end = round(start * 1000), round((start + seconds) * 1000)
    picture.time_base = MILLISECONDS
    for pts in range(first, end, 1000):
        picture.pts = pts
        picture.pict_type = PictureType.I if pts == first else PictureType.NONE
        for packet in video.encode(picture):
            packet.duration = min(1000, end - pts)
            container.mux_one(packet)


def encode_wav(path: str, output: str) -> dict[str, object]:
    """AAC in ADTS of a WAV narration, for providers that do not speak AAC; `{}`."""
    try:
        with av.open(path) as source, av.open(output, "w", format="adts") as target:
            stream = target.add_stream("aac", rate=24_000, layout="mono")
            for frame in source.decode(audio=0):
                target.mux(stream.encode(frame))
            target.mux(stream.encode(None))
    except (av.FFmpegError, OSError, LookupError, ValueError) as error:
        raise StageError(ErrorCode.PROVIDER_FAILED, f"A narration cannot be encoded: {error}") from error
    return {}
