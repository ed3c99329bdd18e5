"""What stands in a video where a scene's picture or narration could not be made, so that everybody can tell."""

import hashlib

SILENT_FRAME = bytes.fromhex("fff15840017ffc01182007")
"""1024 samples of silence at 24 kHz, mono: AAC with its ADTS header, as FFmpeg's encoder writes it."""
_HEADER = 7


def placeholder_hash(request: str) -> str:
    """What the block pattern of a picture says that stands for the one of `request`, itself a request's hash."""
    return hashlib.blake2b(f"placeholder\0{request}".encode(), digest_size=len(request) // 2).hexdigest()


def is_silence(content: bytes) -> bool:
    """Whether the content is nothing but silent frames, of whatever sampling rate."""
    size = len(SILENT_FRAME)
    frame = content[:size]
    return frame[_HEADER:] == SILENT_FRAME[_HEADER:] and content == frame * (len(content) // size)
