"""Answers as faults spoil them, so that a client which checks what it got finds out in every case."""

import base64
from itertools import accumulate

import orjson
from starlette.responses import Response

from contract.calls import Provider
from contract.provider_faults import FaultKind, ProviderFault
from mocks.problems import RefusedError, problem
from mocks.voices import frame_size

WAV = b"RIFF"
WAV_HEADER = 44
ADTS_HEADER = 7


def error_of(fault: ProviderFault) -> Response:
    """What an error or a rate limit answers instead."""
    if fault.kind is FaultKind.ERROR:
        return problem(RefusedError(fault.status, "The plan of faults lets this call fail.", code="planned_fault"))
    limited = problem(RefusedError(429, "The plan of faults limits the rate of calls.", code="rate_limit_exceeded"))
    limited.headers["Retry-After"] = f"{fault.retry_after:g}"
    return limited


def spoilt(content: bytes, provider: Provider, kind: FaultKind) -> bytes:
    """The answer as it is sent; it stays whole if it is only late."""
    if kind is FaultKind.TRUNCATE:
        return truncated(content, provider)
    return corrupted(content, provider) if kind is FaultKind.CORRUPT else content


def truncated(content: bytes, provider: Provider) -> bytes:
    """The first half."""
    half = len(content) // 2
    if provider is Provider.TTS and not content.startswith(WAV) and half in accumulate(map(len, _frames(content))):
        half -= 1  # frames up to here would be a whole speech, only a shorter one
    return content[:half]


def corrupted(content: bytes, provider: Provider) -> bytes:
    """Of the same length, with wrong bytes: a speech without some of its frames, a picture with a flipped bit in
    well-formed JSON, a script with bytes that no JSON may hold.
    """
    if provider is Provider.VISUAL:
        return _with_a_spoilt_picture(content)
    if provider is Provider.LLM:
        return _zeroed(content, 2 * len(content) // 5, max(1, len(content) // 5))
    if content.startswith(WAV):
        return _zeroed(content, 0, WAV_HEADER)
    frames = _frames(content)
    first = 2 * len(frames) // 5
    lost = frames[first : first + max(1, len(frames) // 5)]
    return _zeroed(content, sum(map(len, frames[:first])), sum(map(len, lost)))


def _zeroed(content: bytes, start: int, size: int) -> bytes:
    return content[:start] + bytes(size) + content[start + size :]


def _frames(content: bytes) -> list[bytes]:
    """Of an AAC speech in ADTS."""
    frames, at = [], 0
    while at < len(content):
        size = frame_size(content[at : at + ADTS_HEADER])
        frames.append(content[at : at + size])
        at += size
    return frames


def _with_a_spoilt_picture(content: bytes) -> bytes:
    """Its image data no longer fit their checksum."""
    answer = orjson.loads(content)
    for image in answer["data"]:
        png = bytearray(base64.b64decode(image["b64_json"]))
        png[png.rindex(b"IDAT") + len(b"IDAT")] ^= 1
        image["b64_json"] = base64.b64encode(png).decode()
    return orjson.dumps(answer)
