from collections.abc import AsyncIterator, Callable
from pathlib import Path

import orjson
import pytest

from contract.settings import Workload
from mocks.tts import Speaker
from mocks.visual import Painter
from tests.unit.workers.material import Scene
from workers import adts
from workers.providers.visual import _picture
from workers.sandbox.pool import Sandbox


@pytest.fixture(scope="session")
def speaker() -> Speaker:
    return Speaker()


@pytest.fixture(scope="session")
def speak(speaker: Speaker) -> Callable[..., bytes]:
    def speak(text: str, form: str = "aac") -> bytes:
        body = {"model": "m", "input": text, "voice": "alloy", "response_format": form}
        return speaker.speak(orjson.dumps(body)).content

    return speak


@pytest.fixture(scope="session")
def draw() -> Callable[[str], bytes]:
    painter = Painter()

    def draw(prompt: str) -> bytes:
        return _picture(painter.paint(orjson.dumps({"model": "m", "prompt": prompt, "style": "clean"})).content)

    return draw


@pytest.fixture
def scenes(tmp_path: Path, speak: Callable[..., bytes], draw: Callable[[str], bytes]) -> list[Scene]:
    """Three scenes of different lengths on disk, in `tmp_path`."""
    made = []
    for number, words in enumerate((12, 20, 5), start=1):
        scene = Scene(number, f"A diagram of scene {number}", speak(f"word{number} " * words))
        (tmp_path / scene.picture_name).write_bytes(draw(scene.prompt))
        (tmp_path / scene.narration_name).write_bytes(scene.narration)
        assert adts.seconds(scene.narration) > 1
        made.append(scene)
    return made


@pytest.fixture(scope="session")
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(1, Workload().sandbox_memory_bytes).running() as running:
        yield running
