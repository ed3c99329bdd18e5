"""Looking into a finished video: are the right scenes there, in order, for as long as they are spoken?"""

import io

import av
import numpy as np

from contract import pattern
from contract.manifest import Manifest

LENGTH_TOLERANCE = 0.10


def defects(content: bytes, manifest: Manifest) -> list[str]:
    """What is wrong with the video; empty when it is sound."""
    try:
        with av.open(io.BytesIO(content), "r") as container:
            if not container.streams.video or not container.streams.audio:
                return ["no video or no audio stream"]
            shown = [
                (float(frame.time or 0), pattern.read(frame.to_ndarray(format="gray")))
                for frame in container.decode(video=0)
            ]
            length = (container.duration or 0) / av.time_base
    except (av.FFmpegError, ValueError) as error:
        return [f"cannot be decoded: {error}"]
    found = []
    if abs(length - manifest.seconds) > LENGTH_TOLERANCE * manifest.seconds:
        found.append(f"lasts {length:.2f} s, its narration {manifest.seconds:.2f} s")
    return found + _wrong_scenes(shown, manifest)


def _wrong_scenes(shown: list[tuple[float, str]], manifest: Manifest) -> list[str]:
    """`shown` are the frames' times and the request hashes that they carry."""
    found = []
    times = np.array([time for time, _ in shown])
    for scene in manifest.scenes:
        inside = np.flatnonzero((times > scene.start - 0.01) & (times < scene.start + scene.seconds - 0.01))
        seen = {shown[i][1] for i in inside}
        if seen != {scene.request_hash}:
            found.append(f"scene {scene.index} shows {', '.join(sorted(seen)) or 'nothing'}, not {scene.request_hash}")
    return found
