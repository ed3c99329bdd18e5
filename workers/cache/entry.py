"""What the cache holds for a request: a provider's answer, with a checksum in front and how long it took to get."""

import struct
import zlib
from typing import NamedTuple

_CHECKSUM = struct.Struct("<I")
_SECONDS = struct.Struct("<d")
_FRONT = _CHECKSUM.size + _SECONDS.size


class Entry(NamedTuple):
    """`seconds` is what the call took that brought `payload`."""

    payload: bytes
    seconds: float


def pack(entry: Entry) -> bytes:
    body = _SECONDS.pack(entry.seconds) + entry.payload
    return _CHECKSUM.pack(zlib.crc32(body)) + body


def unpack(stored: bytes) -> Entry:
    """Raises ValueError on what `pack` did not write. CRC-32 notices accidents; it is no guard against malice."""
    if len(stored) < _FRONT or _CHECKSUM.unpack_from(stored)[0] != zlib.crc32(memoryview(stored)[_CHECKSUM.size :]):
        raise ValueError("the entry is not as it was stored")
    return Entry(stored[_FRONT:], _SECONDS.unpack_from(stored, _CHECKSUM.size)[0])
