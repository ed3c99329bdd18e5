"""The block pattern by which a picture names the request that it answers.

64 black or white blocks of 16×16 pixels (H.264's macroblocks, so that they survive compression) in four rows
of sixteen at the bottom centre of a 320×180 picture, most significant bit first.
"""

import hashlib
from typing import Any

import numpy as np
import numpy.typing as npt

WIDTH, HEIGHT = 320, 180
BLOCK = 16
COLUMNS, ROWS = 16, 4
LEFT = (WIDTH - COLUMNS * BLOCK) // 2
TOP = 112
"""A multiple of 16, so that each block is exactly one macroblock."""
BITS = COLUMNS * ROWS


def request_hash(prompt: str, style: str) -> str:
    """16 hexadecimal digits that name a visual request by its content."""
    return hashlib.blake2b(f"{style}\0{prompt}".encode(), digest_size=BITS // 8).hexdigest()


def blocks(request: str) -> npt.NDArray[np.uint8]:
    """The pattern as 0 and 255, shape (ROWS * BLOCK, COLUMNS * BLOCK)."""
    bits = np.unpackbits(np.frombuffer(bytes.fromhex(request), np.uint8)).reshape(ROWS, COLUMNS)
    return np.kron(bits, np.full((BLOCK, BLOCK), 255, np.uint8))


def read(luma: npt.NDArray[Any]) -> str:
    """The request hash that a decoded grey picture of shape (HEIGHT, WIDTH) carries."""
    area = luma[TOP : TOP + ROWS * BLOCK, LEFT : LEFT + COLUMNS * BLOCK]
    means = area.reshape(ROWS, BLOCK, COLUMNS, BLOCK).mean(axis=(1, 3))
    return np.packbits((means > 127.5).astype(np.uint8).reshape(-1)).tobytes().hex()
