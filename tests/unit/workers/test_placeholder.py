import io

import av
import numpy as np
import pytest

from contract import pattern
from contract.placeholder import is_silence, placeholder_hash
from mocks.tts import Speaker
from workers import adts, placeholder, png

REQUEST = pattern.request_hash("A chart of what was asked for", "clean")


def test_the_picture_is_a_sound_png_that_carries_the_hash_standing_for_its_request() -> None:
    content = placeholder.picture(REQUEST)
    png.check(content)
    with av.open(io.BytesIO(content), "r") as container:
        (frame,) = container.decode(video=0)
    assert (frame.width, frame.height) == (pattern.WIDTH, pattern.HEIGHT)
    shown = pattern.read(frame.to_ndarray(format="gray"))
    assert shown == placeholder_hash(REQUEST) != REQUEST
    assert placeholder.picture(REQUEST) == content
    assert len(content) < 5000


def test_two_scenes_have_two_placeholders() -> None:
    other = pattern.request_hash("A photo", "clean")
    assert placeholder_hash(other) != placeholder_hash(REQUEST)


@pytest.mark.parametrize("rate", [24_000, 44_100, 8_000])
def test_the_narration_is_silence_as_long_as_the_text_takes_to_read(rate: int) -> None:
    content = placeholder.narration("word " * 15, rate)
    assert adts.read(content).rate == rate
    assert adts.seconds(content) == pytest.approx(15 * 60 / 150, abs=0.1)
    assert is_silence(content)
    with av.open(io.BytesIO(content), "r", format="aac") as container:
        sound = [np.asarray(frame.to_ndarray()) for frame in container.decode(audio=0)]
        assert container.streams.audio[0].rate == rate
    assert len(sound) >= len(adts.read(content).frames) - 1
    assert not any(part.any() for part in sound)


def test_what_is_spoken_is_no_silence() -> None:
    spoken = Speaker().speak(b'{"model":"m","input":"One word.","voice":"alloy"}').content
    assert not is_silence(spoken)
    silence = placeholder.narration("word", 24_000)
    assert not is_silence(b"")
    assert not is_silence(silence[:-1])
    assert not is_silence(silence + spoken)
    assert adts.seconds(placeholder.narration("", 24_000)) > 0
