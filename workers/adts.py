"""AAC in ADTS frames (ISO/IEC 13818-7, 6.2): how long a narration lasts, without decoding it."""

SAMPLES_PER_FRAME = 1024
RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)


def seconds(content: bytes) -> float:
    """Raises ValueError when the frames do not fill the content exactly."""
    position = frames = 0
    rate = 0
    while position < len(content):
        header = content[position : position + 7]
        if len(header) < 7 or header[0] != 0xFF or header[1] & 0xF6 != 0xF0:
            raise ValueError(f"no ADTS frame at byte {position}")
        length = (header[3] & 0x03) << 11 | header[4] << 3 | header[5] >> 5
        index = header[2] >> 2 & 0x0F
        if length < 7 or position + length > len(content) or index >= len(RATES):
            raise ValueError(f"broken ADTS frame at byte {position}")
        rate = RATES[index]
        position += length
        frames += 1
    if not frames:
        raise ValueError("no ADTS frame")
    return frames * SAMPLES_PER_FRAME / rate
