"""From pictures and narrations to one MP4. Runs in a warm process of its own, off the worker's event loop."""

import hashlib
import math
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
from workers.errors import StageError

MILLISECONDS = Fraction(1, 1000)
X264 = {"preset": "ultrafast", "tune": "stillimage,zerolatency", "crf": "26"}


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
    except (av.FFmpegError, ValueError) as error:
        raise StageError(ErrorCode.ASSEMBLY_FAILED, f"The scenes cannot be put together: {error}") from error
    content = path.read_bytes()
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
    audio: AudioStream | None = None
    samples = 0
    start = 0.0
    for scene in scenes:
        with av.open(str(root / scene["narration"]), format="aac") as narration:
            source = narration.streams.audio[0]
            if audio is None:
                audio = container.add_stream_from_template(source)
            _show(container, video, _picture(root / scene["visual"]), start, scene["seconds"])
            for packet in narration.demux(source):
                if packet.size == 0:
                    continue
                packet.stream = audio
                packet.time_base = Fraction(1, source.rate)
                packet.pts = packet.dts = samples
                packet.duration = source.codec_context.frame_size or 1024
                samples += packet.duration
                container.mux(packet)
        start += scene["seconds"]
    for packet in video.encode(None):
        container.mux(packet)


def _picture(path: Path) -> VideoFrame:
    decoder = av.CodecContext.create("png", "r")
    assert isinstance(decoder, VideoCodecContext)
    frames = decoder.decode(av.Packet(path.read_bytes()))
    if not frames:
        raise ValueError(f"{path.name} is not a picture")
    return frames[0].reformat(width=WIDTH, height=HEIGHT, format="yuv420p")


def _show(container: OutputContainer, video: VideoStream, picture: VideoFrame, start: float, seconds: float) -> None:
    """Holds a picture on screen from `start`: a frame a second, the first a key frame for players to seek to."""
    first, end = round(start * 1000), round((start + seconds) * 1000)
    picture.time_base = MILLISECONDS
    for second in range(max(1, math.ceil(seconds))):
        picture.pts = first + second * 1000
        picture.pict_type = PictureType.I if second == 0 else PictureType.NONE
        for packet in video.encode(picture):
            packet.duration = min(1000, end - picture.pts)
            container.mux(packet)


def encode_wav(path: str, output: str) -> dict[str, object]:
    """AAC in ADTS of a WAV narration, for providers that do not speak AAC; `{}`."""
    with av.open(path) as source, av.open(output, "w", format="adts") as target:
        stream = target.add_stream("aac", rate=24_000)
        stream.codec_context.layout = "mono"
        for frame in source.decode(audio=0):
            for packet in stream.encode(frame):
                target.mux(packet)
        for packet in stream.encode(None):
            target.mux(packet)
    return {}
