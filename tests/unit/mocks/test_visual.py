from base64 import b64decode
from io import BytesIO
from itertools import product
from typing import Any

import av
import numpy as np
import orjson
import pytest

from contract import pattern
from contract.jobs import VisualStyle
from contract.script import VisualType
from mocks.visual import Painter, kind_of

KINDS = list(product(VisualType, VisualStyle))


@pytest.fixture(scope="module")
def painter() -> Painter:
    return Painter()


def paint(painter: Painter, prompt: str, style: str = "clean", n: int = 1) -> list[bytes]:
    answer = painter.paint(orjson.dumps({"model": "m", "prompt": prompt, "style": style, "n": n}))
    return [b64decode(entry["b64_json"]) for entry in orjson.loads(answer.content)["data"]]


def frame_of(picture: bytes) -> av.VideoFrame:
    with av.open(BytesIO(picture), "r") as container:
        return next(container.decode(video=0))


def filmed(frame: av.VideoFrame) -> np.ndarray[Any, Any]:
    """The frame's luma after H.264 at the assembly's settings."""
    target = BytesIO()
    with av.open(target, "w", format="mp4") as movie:
        stream = movie.add_stream("libx264", rate=1, options={"preset": "ultrafast", "crf": "28"})
        stream.width, stream.height, stream.pix_fmt = frame.width, frame.height, "yuv420p"
        movie.mux(stream.encode(frame.reformat(format="yuv420p")))
        movie.mux(stream.encode(None))
    return frame_of(target.getvalue()).to_ndarray(format="gray")


@pytest.mark.parametrize(("kind", "style"), KINDS)
def test_a_picture_names_its_request_even_after_h264(painter: Painter, kind: VisualType, style: VisualStyle) -> None:
    for number in range(4):
        prompt = f"A {kind} of run {number}"
        frame = frame_of(paint(painter, prompt, style)[0])
        assert (frame.width, frame.height) == (pattern.WIDTH, pattern.HEIGHT)
        named = pattern.request_hash(prompt, style)
        assert pattern.read(frame.to_ndarray(format="gray")) == named
        assert pattern.read(filmed(frame)) == named


def test_a_spoilt_block_is_seen_so_that_the_check_can_fail(painter: Painter) -> None:
    luma = frame_of(paint(painter, "A chart of one")[0]).to_ndarray(format="gray")
    block = (slice(pattern.TOP, pattern.TOP + pattern.BLOCK), slice(pattern.LEFT, pattern.LEFT + pattern.BLOCK))
    luma[block] = 255 - luma[block]
    assert pattern.read(luma) != pattern.request_hash("A chart of one", "clean")


def test_types_and_styles_can_be_told_apart_by_the_part_above_the_blocks(painter: Painter) -> None:
    above = {
        frame_of(paint(painter, f"A {kind} of one", style)[0]).to_ndarray(format="rgb24")[: pattern.TOP].tobytes()
        for kind, style in KINDS
    }
    assert len(above) == len(KINDS)


def test_the_prompt_s_first_words_decide_the_type() -> None:
    assert all(kind_of(f"A {kind} of scene 5: words") is kind for kind in VisualType)
    assert kind_of("A chart of scene 1: what a diagram and a photo have in common") is VisualType.CHART
    assert kind_of("Something else") is VisualType.PHOTO


def test_several_pictures_are_given_when_asked_for(painter: Painter) -> None:
    assert len(paint(painter, "A photo of rain", n=3)) == 3
