"""WAV (RIFF): whether all of it is there."""

SIGNATURE = b"RIFF"
_HEADER = 44
UNKNOWN = (0, 0xFFFFFFFF)
"""What writers put for a size that they did not know when they began."""


def check(content: bytes) -> None:
    """Raises ValueError when there is less than the header says."""
    size = int.from_bytes(content[4:8], "little")
    if len(content) < _HEADER or (size not in UNKNOWN and size + 8 > len(content)):
        raise ValueError("the WAV breaks off")
