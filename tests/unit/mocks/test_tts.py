from io import BytesIO

import av
import av.logging
import numpy as np
import orjson
import pytest

from mocks.tts import Speaker
from mocks.voices import FRAME, RATE

TWELVE = "word " * 12


@pytest.fixture(scope="module")
def speaker() -> Speaker:
    return Speaker()


def speak(speaker: Speaker, text: str, voice: str = "alloy", form: str = "aac") -> bytes:
    body = {"model": "m", "input": text, "voice": voice, "response_format": form}
    return speaker.speak(orjson.dumps(body)).content


def decode(audio: bytes) -> tuple[int, float]:
    """Samples and loudness; raises on any flaw that FFmpeg knows of."""
    with av.open(BytesIO(audio), "r", options={"err_detect": "explode"}) as container:
        stream = container.streams.audio[0]
        stream.codec_context.options = {"err_detect": "explode"}
        assert (stream.rate, stream.codec_context.channels) == (RATE, 1)
        parts = [frame.to_ndarray().astype(float) for frame in container.decode(stream)]
    sound = np.concatenate(parts, axis=1)
    return sound.shape[1], float(np.abs(sound).mean())


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("One.", 0.4), (TWELVE, 4.8), ("word " * 20, 8.0), ("word " * 100, 40.0), ("测量" * 50, 100 / 15)],
)
def test_speech_decodes_and_lasts_as_long_as_the_text_takes(speaker: Speaker, text: str, seconds: float) -> None:
    samples, loudness = decode(speak(speaker, text))
    assert samples / RATE == pytest.approx(seconds, abs=FRAME / RATE)
    assert loudness > 0


def test_a_flipped_byte_is_seen_so_that_the_check_can_fail(speaker: Speaker) -> None:
    audio = bytearray(speak(speaker, TWELVE))
    audio[1000:1100] = bytes(100)
    with pytest.raises(av.FFmpegError):
        decode(bytes(audio))


def test_speech_copies_into_an_mp4_without_encoding(speaker: Speaker) -> None:
    target = BytesIO()
    with (
        av.open(BytesIO(speak(speaker, TWELVE)), "r", format="aac") as source,
        av.open(target, "w", format="mp4") as movie,
    ):
        stream = movie.add_stream_from_template(source.streams.audio[0])
        for packet in source.demux(source.streams.audio[0]):
            if packet.size:
                packet.stream = stream
                movie.mux(packet)
    target.seek(0)
    samples, _ = decode(target.getvalue())
    assert samples / RATE == pytest.approx(4.8, abs=FRAME / RATE)


def test_wav_has_the_length_of_the_aac(speaker: Speaker) -> None:
    samples, _ = decode(speak(speaker, TWELVE, form="wav"))
    assert samples / RATE == pytest.approx(4.8, abs=FRAME / RATE)


def test_text_and_voice_decide_the_sound(speaker: Speaker) -> None:
    assert speak(speaker, "the same") == speak(speaker, "the same")
    assert len({speak(speaker, "a text", voice) for voice in ("alloy", "echo", "nova")}) == 3
    assert speak(speaker, "a text") != speak(speaker, "b text")
