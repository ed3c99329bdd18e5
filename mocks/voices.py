"""Synthetic voices: syllables of a buzzing source through moving formants, with pauses. Nobody's voice."""

from io import BytesIO

import av
import numpy as np
import numpy.typing as npt

from contract.jobs import Voice

RATE = 24_000
FRAME = 1024
"""Samples in one AAC frame."""
BIT_RATE = 32_000
SECONDS = 10
SYLLABLES_PER_SECOND = 4.5
CONTROLS_PER_SECOND = 200

VOWELS = np.array([(730, 1090, 2440), (530, 1840, 2480), (270, 2290, 3010), (570, 840, 2410), (300, 870, 2240)])
"""Hertz of the first three formants (Peterson and Barney, 1952)."""
PITCH = {Voice.ALLOY: 165.0, Voice.ECHO: 110.0, Voice.NOVA: 210.0}

Samples = npt.NDArray[np.int16]


def synthesise(voice: Voice) -> Samples:
    """A clip of SECONDS, mono, that starts and ends in silence; always the same."""
    pitch = PITCH[voice]
    rng = np.random.default_rng(int(pitch))
    size = SECONDS * CONTROLS_PER_SECOND
    beat = np.arange(size) / CONTROLS_PER_SECOND * SYLLABLES_PER_SECOND
    syllable = beat.astype(int)
    count = int(syllable[-1]) + 1
    loud = np.sin(np.pi * (beat - syllable)) ** 0.6 * rng.uniform(0.6, 1.0, count)[syllable]
    loud[(syllable % 9 == 8) | (syllable == 0) | (syllable == count - 1)] = 0

    smooth = np.hanning(31) / np.hanning(31).sum()
    formants = np.stack([np.convolve(row[syllable], smooth, "same") for row in VOWELS[rng.integers(5, size=count)].T])
    melody = pitch * (1.08 - 0.16 * (syllable % 9) / 9 + 0.02 * np.sin(beat * 1.7))

    time = np.arange(SECONDS * RATE, dtype=np.float32) / RATE
    controls = np.arange(size) / CONTROLS_PER_SECOND
    phase = 2 * np.pi * np.cumsum(np.interp(time, controls, melody)) / RATE
    sound, previous = np.zeros(time.size), np.zeros(time.size)
    wave, turn = np.sin(phase), 2 * np.cos(phase)
    for harmonic in range(1, int(3300 / pitch)):
        resonance = (1 / (1 + ((harmonic * melody - formants) / 90) ** 2)).T @ (1.0, 0.6, 0.3)
        sound += np.interp(time, controls, loud * (resonance + 0.02)) * wave
        # sin(kx) = 2 cos(x) sin((k-1)x) - sin((k-2)x), which saves a sine per sample and harmonic.
        wave, previous = turn * wave - previous, wave
    clip: Samples = (sound / np.abs(sound).max() * 20_000).astype(np.int16)
    return clip


def encode(samples: Samples) -> list[bytes]:
    """The samples as AAC frames, each with its ADTS header; any run of them plays on its own."""
    target = BytesIO()
    with av.open(target, "w", format="adts") as container:
        stream = container.add_stream("aac", rate=RATE, layout="mono", bit_rate=BIT_RATE)
        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate = RATE
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    frames, data = [], target.getvalue()
    while data:
        size = frame_size(data)
        frames.append(data[:size])
        data = data[size:]
    return frames


def frame_size(data: bytes) -> int:
    """Bytes of the ADTS frame at the start of `data`, its header included (ISO/IEC 13818-7, 6.2)."""
    return (data[3] & 0x03) << 11 | data[4] << 3 | data[5] >> 5
