from collections.abc import Callable

import pytest

from workers import png, wav


def test_what_is_written_is_sound() -> None:
    png.check(png.grey(bytes(range(12)), 4, 3))


def test_a_provider_s_picture_is_sound(draw: Callable[[str], bytes]) -> None:
    png.check(draw("A diagram"))


def test_each_truncation_is_found(draw: Callable[[str], bytes]) -> None:
    content = draw("A chart")
    for length in range(len(content)):
        with pytest.raises(ValueError, match="PNG"):
            png.check(content[:length])


def test_a_flipped_bit_is_found_wherever_it_is(draw: Callable[[str], bytes]) -> None:
    content = draw("A photo")
    for place in range(len(content)):
        spoilt = bytearray(content)
        spoilt[place] ^= 1 << place % 8
        with pytest.raises(ValueError, match="PNG"):
            png.check(bytes(spoilt))


def test_what_follows_the_end_is_found() -> None:
    with pytest.raises(ValueError, match="PNG"):
        png.check(png.grey(bytes(6), 3, 2) + b"more")


def test_a_wav_that_breaks_off_is_found(speak: Callable[..., bytes]) -> None:
    content = speak("word " * 5, "wav")
    wav.check(content)
    for length in (4, 30, 44, len(content) // 2, len(content) - 1):
        with pytest.raises(ValueError, match="WAV"):
            wav.check(content[:length])


def test_a_wav_whose_size_was_not_known_is_taken_as_it_is(speak: Callable[..., bytes]) -> None:
    content = speak("word " * 5, "wav")
    wav.check(content[:4] + b"\xff\xff\xff\xff" + content[8:])
