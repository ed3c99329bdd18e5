"""Looking into a finished video: are the right scenes there, in order, for as long as they are spoken?"""

import io
from collections.abc import Sequence
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from av.stream import Stream

from contract import pattern
from contract.manifest import Manifest

LENGTH_TOLERANCE = 0.10
HEADER, HEADER_WITH_CHECK = 7, 9
"""Bytes of an ADTS header (ISO/IEC 13818-7, 6.2), without and with its checksum."""


def defects(content: bytes, manifest: Manifest) -> list[str]:
    """What is wrong with the video; empty when it is sound."""
    try:
        with av.open(io.BytesIO(content), "r") as container:
            if not container.streams.video or not container.streams.audio:
                return ["no video or no audio stream"]
            shown = [(float(frame.time or 0), pattern.read(_brightness(frame))) for frame in container.decode(video=0)]
            lengths = {stream.type: _seconds(stream) for stream in container.streams}
    except (av.FFmpegError, ValueError) as error:
        return [f"cannot be decoded: {error}"]
    found = [
        f"the {kind} lasts {length:.2f} s, the manifest says {manifest.seconds:.2f} s"
        for kind, length in lengths.items()
        if abs(length - manifest.seconds) > LENGTH_TOLERANCE * manifest.seconds
    ]
    return found + _wrong_scenes(shown, manifest)


def unsaid(content: bytes, narrations: Sequence[bytes]) -> list[str]:
    """Where the sound of the video is not that of the narrations, frame by frame: it is copied, never encoded again."""
    try:
        heard, found, at = _frames(content), [], 0
        for number, narration in enumerate(narrations, start=1):
            wanted = [frame[HEADER if frame[1] & 1 else HEADER_WITH_CHECK :] for frame in _frames(narration)]
            if heard[at : at + len(wanted)] != wanted:
                found.append(f"narration {number} is not what is heard at its place")
            at += len(wanted)
    except (av.FFmpegError, IndexError) as error:
        return [f"its sound cannot be read: {error}"]
    return found if at == len(heard) else [*found, f"{len(heard)} frames are heard, the narrations have {at}"]


def _frames(sound: bytes) -> list[bytes]:
    with av.open(io.BytesIO(sound), "r") as container:
        return [bytes(packet) for packet in container.demux(audio=0) if packet.size]


def _brightness(frame: av.VideoFrame) -> npt.NDArray[Any]:
    """The plane of luma as it was decoded: converting each frame would cost three times as much as all the rest."""
    if not frame.format.name.startswith("yuv"):
        return frame.to_ndarray(format="gray")
    plane = frame.planes[0]
    rows = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
    return rows[: frame.height, : frame.width]


def _seconds(stream: Stream) -> float:
    return float((stream.duration or 0) * (stream.time_base or 0))


def _wrong_scenes(shown: list[tuple[float, str]], manifest: Manifest) -> list[str]:
    """`shown` are the frames' times and the request hashes that they carry."""
    found = []
    times = np.array([time for time, _ in shown])
    for scene in manifest.scenes:
        inside = np.flatnonzero((times > scene.start - 0.01) & (times < scene.start + scene.seconds - 0.01))
        seen = {shown[i][1] for i in inside}
        if seen != {scene.shown_hash}:
            found.append(f"scene {scene.index} shows {', '.join(sorted(seen)) or 'nothing'}, not {scene.shown_hash}")
    return found
