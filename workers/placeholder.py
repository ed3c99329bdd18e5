"""Stand-ins for what a provider did not deliver: a picture that says so, and silence."""

import numpy as np

from contract import pattern
from contract.placeholder import SILENT_FRAME, placeholder_hash
from workers import adts, png

WORDS_PER_SECOND = 2.5
"""150 words a minute, the speed at which narrations are read."""

GLYPHS = {
    "P": "1e 11 11 1e 10 10 10",
    "I": "0e 04 04 04 04 04 0e",
    "C": "0e 11 10 10 10 11 0e",
    "T": "1f 04 04 04 04 04 04",
    "U": "11 11 11 11 11 11 0e",
    "R": "1e 11 11 1e 14 12 11",
    "E": "1f 10 10 1e 10 10 1f",
    "M": "11 1b 15 15 11 11 11",
    "S": "0f 10 10 0e 01 01 1e",
    "N": "11 19 15 13 11 11 11",
    "G": "0e 11 10 17 11 11 0e",
    " ": "00 00 00 00 00 00 00",
}
"""Rows of five pixels each, from the top."""
WORDS = "PICTURE MISSING"
SCALE = 3
GROUND, STRIPE, INK = 200, 170, 40


def picture(request: str) -> bytes:
    """A PNG that says that the picture of `request` (its hash) is missing, and carries the hash that stands for it."""
    rows, columns = np.mgrid[0 : pattern.HEIGHT, 0 : pattern.WIDTH]
    grey = np.where((rows + columns) % 32 < 16, GROUND, STRIPE).astype(np.uint8)
    words = np.kron(_words(), np.ones((SCALE, SCALE), bool))
    top, left = (pattern.TOP - words.shape[0]) // 2, (pattern.WIDTH - words.shape[1]) // 2
    grey[top : top + words.shape[0], left : left + words.shape[1]][words] = INK
    blocks = pattern.blocks(placeholder_hash(request))
    grey[pattern.TOP : pattern.TOP + blocks.shape[0], pattern.LEFT : pattern.LEFT + blocks.shape[1]] = blocks
    return png.grey(grey.tobytes(), pattern.WIDTH, pattern.HEIGHT)


def _words() -> "np.ndarray[tuple[int, int], np.dtype[np.bool_]]":
    """True where there is ink; a column between two letters."""
    letters = [
        [[int(row, 16) >> bit & 1 == 1 for bit in (4, 3, 2, 1, 0)] + [False] for row in GLYPHS[letter].split()]
        for letter in WORDS
    ]
    return np.hstack([np.array(letter) for letter in letters])


def narration(text: str, rate: int) -> bytes:
    """Silence for as long as the text would take to read: AAC at `rate` Hz, one of `adts.RATES`."""
    index = adts.RATES.index(rate)
    header = bytearray(SILENT_FRAME)
    header[2] = header[2] & 0b1100_0011 | index << 2
    seconds = len(text.split()) / WORDS_PER_SECOND
    return bytes(header) * max(1, round(seconds * rate / adts.SAMPLES_PER_FRAME))
