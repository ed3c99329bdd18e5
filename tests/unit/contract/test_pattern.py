import random
import secrets

import numpy as np
import numpy.typing as npt
import pytest

from contract.pattern import BITS, BLOCK, COLUMNS, HEIGHT, LEFT, ROWS, TOP, WIDTH, blocks, read, request_hash


def picture(request: str) -> npt.NDArray[np.uint8]:
    """A noisy picture that carries the pattern."""
    grey = np.random.default_rng(1).integers(0, 256, (HEIGHT, WIDTH), dtype=np.uint8)
    grey[TOP : TOP + ROWS * BLOCK, LEFT : LEFT + COLUMNS * BLOCK] = blocks(request)
    return grey


def test_the_pattern_lies_on_whole_macroblocks_inside_the_picture() -> None:
    assert LEFT % BLOCK == TOP % BLOCK == 0
    assert LEFT + COLUMNS * BLOCK <= WIDTH
    assert TOP + ROWS * BLOCK <= HEIGHT


def test_any_request_hash_is_read_back_from_its_picture() -> None:
    for request in ["0" * 16, "f" * 16, "8000000000000001", *(secrets.token_hex(BITS // 8) for _ in range(50))]:
        assert read(picture(request)) == request


def test_a_picture_dulled_by_compression_is_still_read() -> None:
    request = request_hash("a bridge", "clean")
    noise = np.random.default_rng(2).normal(0, 25, (HEIGHT, WIDTH))
    assert read(picture(request) * 0.6 + 40 + noise) == request


@pytest.mark.parametrize("bit", range(0, BITS, 7))
def test_one_flipped_block_is_seen(bit: int) -> None:
    request = secrets.token_hex(BITS // 8)
    grey = picture(request)
    row, column = TOP + bit // COLUMNS * BLOCK, LEFT + bit % COLUMNS * BLOCK
    grey[row : row + BLOCK, column : column + BLOCK] ^= 255
    assert int(read(grey), 16) == int(request, 16) ^ 1 << (BITS - 1 - bit)


def test_a_request_hash_names_prompt_and_style() -> None:
    prompt = random.Random(3).randbytes(20).hex()
    assert request_hash(prompt, "clean") == request_hash(prompt, "clean")
    assert len({request_hash(prompt, "clean"), request_hash(prompt, "dark"), request_hash(prompt + " ", "clean")}) == 3
