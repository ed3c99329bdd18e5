from collections.abc import Callable

import orjson
import pytest

from contract.calls import CallKey, Provider
from contract.provider_faults import FaultKind
from mocks import llm as mocked_llm
from mocks.spoilt import corrupted, spoilt, truncated
from mocks.tts import Speaker
from mocks.visual import Painter
from tests.unit.mocks.faults import DOCUMENT
from workers import adts
from workers.providers import tts, visual
from workers.providers.http import CallContext
from workers.providers.llm import write_script

SPOILING = (FaultKind.TRUNCATE, FaultKind.CORRUPT)


@pytest.fixture(scope="module")
def speak() -> Callable[..., bytes]:
    speaker = Speaker()

    def speak(text: str, form: str = "aac") -> bytes:
        body = {"model": "m", "input": text, "voice": "nova", "response_format": form}
        return speaker.speak(orjson.dumps(body)).content

    return speak


class Understanding:
    """Stands for the caller of the LLM's client: reads an answer as that client does."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer

    async def post(
        self, _path: str, _body: object, _context: CallContext, read: Callable[[bytes], object], _bill: object
    ) -> object:
        return read(self._answer)


async def test_a_spoilt_script_is_noticed_in_every_case() -> None:
    async def understand(answer: bytes, scenes: int) -> None:
        context = CallContext(CallKey("job", 0, 1, 1), [], 0)
        await write_script(Understanding(answer), "", scenes, 0, context)  # type: ignore[arg-type] # stands for it

    for seed in range(40):
        scenes = 1 + seed % 20
        schema = {"json_schema": {"schema": {"properties": {"scenes": {"minItems": scenes}}}}}
        messages = [{"role": "user", "content": DOCUMENT}]
        body = {"model": "m", "messages": messages, "seed": seed, "response_format": schema}
        good = mocked_llm.complete(orjson.dumps(body)).content
        await understand(good, scenes)
        for kind in SPOILING:
            with pytest.raises((ValueError, LookupError)):
                await understand(spoilt(good, Provider.LLM, kind), scenes)


@pytest.mark.parametrize("form", ["aac", "wav"])
def test_a_spoilt_speech_is_noticed_in_every_case(speak: Callable[..., bytes], form: str) -> None:
    for number in range(150):
        good = speak(f"word{number} " * (1 + number % 30), form)
        tts._narration(good)
        for kind in SPOILING:
            with pytest.raises(ValueError, match=r"ADTS|breaks off"):
                tts._narration(spoilt(good, Provider.TTS, kind))


def test_a_speech_is_never_cut_off_between_two_frames(speak: Callable[..., bytes]) -> None:
    frame = adts.read(speak("Word.")).frames[0]
    for count in range(1, 12):
        good = frame * count
        with pytest.raises(ValueError, match="ADTS"):
            adts.read(truncated(good, Provider.TTS))
    assert adts.read((frame * 8)[: len(frame) * 4]), "a plain half would be a whole speech"


def test_a_corrupt_speech_of_one_frame_is_noticed(speak: Callable[..., bytes]) -> None:
    for frame in adts.read(speak("Many more words than this one. " * 9)).frames:
        bad = corrupted(frame, Provider.TTS)
        assert len(bad) == len(frame)
        with pytest.raises(ValueError, match="ADTS"):
            adts.read(bad)


def test_a_spoilt_picture_is_noticed_in_every_case_and_a_corrupt_one_is_well_formed_json() -> None:
    painter = Painter()
    for number in range(150):
        body = {"model": "m", "prompt": f"A chart of number {number}", "style": ("clean", "dark", "sketch")[number % 3]}
        good = painter.paint(orjson.dumps(body)).content
        visual._picture(good)
        with pytest.raises(ValueError, match="JSON"):
            visual._picture(truncated(good, Provider.VISUAL))
        with pytest.raises(ValueError, match="the PNG is spoilt"):
            visual._picture(corrupted(good, Provider.VISUAL))


@pytest.mark.parametrize("provider", Provider)
def test_a_corrupt_answer_is_as_long_as_a_good_one_and_a_truncated_one_half_as_long(
    speak: Callable[..., bytes], provider: Provider
) -> None:
    messages = [{"role": "user", "content": DOCUMENT}]
    good = {
        Provider.LLM: lambda: mocked_llm.complete(orjson.dumps({"model": "m", "messages": messages})).content,
        Provider.TTS: lambda: speak("Some words."),
        Provider.VISUAL: lambda: Painter().paint(orjson.dumps({"model": "m", "prompt": "A chart"})).content,
    }[provider]()
    bad = corrupted(good, provider)
    assert len(bad) == len(good)
    assert bad != good
    assert len(truncated(good, provider)) in (len(good) // 2, len(good) // 2 - 1)
    assert good.startswith(truncated(good, provider))
    assert spoilt(good, provider, FaultKind.LATENCY) == good
