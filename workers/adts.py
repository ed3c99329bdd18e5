"""AAC in ADTS frames (ISO/IEC 13818-7, 6.2): taken apart without decoding."""

from typing import NamedTuple

SAMPLES_PER_FRAME = 1024
RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)
HEADER = 7


class Sound(NamedTuple):
    """`rate` in Hz; each frame with its header, SAMPLES_PER_FRAME samples long."""

    rate: int
    frames: list[bytes]

    @property
    def seconds(self) -> float:
        return len(self.frames) * SAMPLES_PER_FRAME / self.rate


def read(content: bytes) -> Sound:
    """Raises ValueError when frames of one kind do not fill the content exactly."""
    frames: list[bytes] = []
    position, first = 0, content[:4]
    while position < len(content):
        header = content[position : position + HEADER]
        if len(header) < HEADER or header[0] != 0xFF or header[1] & 0xF6 != 0xF0:
            raise ValueError(f"no ADTS frame at byte {position}")
        length = (header[3] & 0x03) << 11 | header[4] << 3 | header[5] >> 5
        if length < HEADER or position + length > len(content) or header[6] & 0x03:
            raise ValueError(f"broken ADTS frame at byte {position}")
        if header[2] != first[2] or (header[3] ^ first[3]) & 0xC0:
            raise ValueError(f"profile, rate or channels change at byte {position}")
        frames.append(content[position : position + length])
        position += length
    index = first[2] >> 2 & 0x0F if frames else len(RATES)
    if index >= len(RATES):
        raise ValueError("no ADTS frame" if not frames else "unknown sampling rate")
    return Sound(RATES[index], frames)


def seconds(content: bytes) -> float:
    """How long the sound lasts. Raises ValueError as `read` does."""
    return read(content).seconds
