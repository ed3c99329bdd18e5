"""PNG (ISO/IEC 15948): told from garbage without decoding, and written."""

import struct
import zlib

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_FRAME = 12
"""Bytes of a chunk around its data: length, kind, checksum."""


def check(content: bytes) -> None:
    """Raises ValueError when the content is cut off or spoilt.

    Looks at the chunks and their checksums, which find each flipped bit and missing byte; the pixels themselves are
    left to assembly, since inflating a large picture would hold up the event loop for tens of milliseconds.
    """
    if not content.startswith(SIGNATURE):
        raise ValueError("no PNG")
    kinds = []
    position = len(SIGNATURE)
    while position < len(content):
        if position + _FRAME > len(content):
            raise ValueError("the PNG breaks off")
        length, kind = struct.unpack_from(">I4s", content, position)
        end = position + _FRAME + length
        if end > len(content):
            raise ValueError("the PNG breaks off")
        if zlib.crc32(memoryview(content)[position + 4 : end - 4]) != int.from_bytes(content[end - 4 : end]):
            raise ValueError(f"the PNG is spoilt at byte {position}")
        kinds.append(kind)
        position = end
    if kinds[:1] != [b"IHDR"] or kinds[-1] != b"IEND" or b"IDAT" not in kinds:
        raise ValueError("the PNG lacks a part")


def grey(rows: bytes, width: int, height: int) -> bytes:
    """A picture of 8-bit grey values, `rows` from the top left."""
    filtered = b"".join(b"\0" + rows[at : at + width] for at in range(0, width * height, width))
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(filtered)), (b"IEND", b""))
    return SIGNATURE + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
