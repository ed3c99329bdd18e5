from collections.abc import Callable

import pytest

from workers import adts


def test_length_is_the_frames_times_1024_samples(speak: Callable[..., bytes]) -> None:
    sound = adts.read(speak("word " * 12))
    assert sound.rate == 24_000
    assert b"".join(sound.frames) == speak("word " * 12)
    assert adts.seconds(b"".join(sound.frames[:75])) == pytest.approx(75 * 1024 / 24_000)


def test_the_rate_is_read_from_the_header(speak: Callable[..., bytes]) -> None:
    frame = bytearray(adts.read(speak("word")).frames[0])
    frame[2] = frame[2] & ~0x3C | 4 << 2
    assert adts.read(bytes(frame)).rate == 44_100


def test_any_cut_that_is_not_between_two_frames_is_seen(speak: Callable[..., bytes]) -> None:
    content = speak("word " * 5)
    for lost in (1, 3, 50):
        with pytest.raises(ValueError, match=r"broken ADTS frame|no ADTS frame"):
            adts.read(content[:-lost])


@pytest.mark.parametrize("content", [b"", b"\xff", b"RIFF" * 10, b"\x89PNG\r\n\x1a\n" * 4], ids=repr)
def test_what_is_not_adts_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match="no ADTS frame"):
        adts.read(content)


def test_frames_of_another_rate_in_the_middle_are_refused(speak: Callable[..., bytes]) -> None:
    frames = adts.read(speak("word " * 5)).frames
    other = bytearray(frames[5])
    other[2] = other[2] & ~0x3C | 4 << 2
    with pytest.raises(ValueError, match="change at byte"):
        adts.read(b"".join([*frames[:5], bytes(other), *frames[6:]]))


def test_an_unknown_rate_is_refused(speak: Callable[..., bytes]) -> None:
    frame = bytearray(adts.read(speak("word")).frames[0])
    frame[2] |= 0x3C
    with pytest.raises(ValueError, match="unknown sampling rate"):
        adts.read(bytes(frame))
