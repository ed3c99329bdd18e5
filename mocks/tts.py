"""`POST /v1/audio/speech`: a stretch of a prepared clip, as long as the text takes to read."""

import struct
from hashlib import blake2b
from itertools import cycle, islice
from typing import Literal

from pydantic import BaseModel, Field

from contract.calls import UsageUnit
from contract.jobs import Voice
from mocks.endpoint import Answer
from mocks.problems import RefusedError, parse
from mocks.prose import spoken_seconds
from mocks.voices import FRAME, RATE, encode, synthesise


class SpeechRequest(BaseModel):
    model: str
    input: str = Field(min_length=1, max_length=4096)
    voice: Voice
    response_format: Literal["aac", "wav"] = "aac"


class Clip:
    """One voice's clip, cut into frames of the same length in both formats."""

    def __init__(self, voice: Voice) -> None:
        samples = synthesise(voice)
        self.aac = encode(samples)
        self.wav = [samples[at : at + FRAME].astype("<i2").tobytes() for at in range(0, samples.size - FRAME, FRAME)]


class Speaker:
    def __init__(self) -> None:
        self._clips = {voice: Clip(voice) for voice in Voice}

    def speak(self, body: bytes) -> Answer:
        """The same text and voice give the same sound. Raises RefusedError."""
        request = parse(SpeechRequest, body)
        if not request.input.strip():
            raise RefusedError(400, "input: there is nothing to read.", param="input")
        clip = self._clips[request.voice]
        count = max(1, round(spoken_seconds(request.input) * RATE / FRAME))
        usage = {UsageUnit.CHARACTERS: len(request.input)}
        if request.response_format == "aac":
            return Answer(stretch(clip.aac, count, request.input), "audio/aac", usage)
        sound = stretch(clip.wav, count, request.input)
        return Answer(wav_header(len(sound)) + sound, "audio/wav", usage)


def stretch(frames: list[bytes], count: int, text: str) -> bytes:
    """`count` frames on from a place that the text decides; the clip goes round."""
    digest = blake2b(text.encode(errors="replace"), digest_size=4).digest()
    start = int.from_bytes(digest) % len(frames)
    if start + count <= len(frames):
        return b"".join(frames[start : start + count])
    return b"".join(islice(cycle(frames), start, start + count))


def wav_header(size: int) -> bytes:
    """For `size` bytes of 16-bit mono PCM."""
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI", b"RIFF", size + 36, b"WAVE", b"fmt ", 16, 1, 1, RATE, RATE * 2, 2, 16, b"data", size
    )
