"""`POST /v1/images/generations`: a picture of the wanted type that carries its request's hash as blocks.

The part above the blocks is one of a few prepared drawings, compressed in advance; a request decides drawing and
colours and pays only for compressing its blocks.
"""

import colorsys
import struct
import time
import zlib
from base64 import b64encode
from dataclasses import dataclass
from typing import Literal

import numpy as np
import orjson
from pydantic import BaseModel, Field

from contract.calls import UsageUnit
from contract.jobs import VisualStyle
from contract.pattern import BLOCK, HEIGHT, LEFT, ROWS, TOP, WIDTH, blocks, request_hash
from contract.script import VisualType
from mocks.drawing import Tones, draw, sketched
from mocks.endpoint import Answer
from mocks.llm import tokens
from mocks.problems import JSON, parse

VARIANTS = 3
HUES = 24
BLACK, WHITE = 0, 255
FIRST_TONE, LAST_TONE = 1, 254
"""Palette indices: black and white for the blocks, between them the colours from ground to ink."""

RAMPS: dict[VisualStyle, tuple[tuple[float, float], ...]] = {
    VisualStyle.CLEAN: ((0.97, 0.04), (0.60, 0.62), (0.18, 0.45)),
    VisualStyle.SKETCH: ((0.95, 0.06), (0.60, 0.12), (0.20, 0.10)),
    VisualStyle.DARK: ((0.07, 0.30), (0.42, 0.60), (0.92, 0.35)),
}
"""Lightness and saturation of ground, middle and ink."""


class ImageRequest(BaseModel):
    model: str
    prompt: str = Field(min_length=1, max_length=32_000)
    size: Literal["320x180", "auto"] = "auto"
    style: VisualStyle = VisualStyle.CLEAN
    n: int = Field(default=1, ge=1, le=10)


@dataclass(frozen=True, slots=True)
class Template:
    """The rows above the blocks: a chunk of the PNG, and the checksum that the stream goes on from."""

    chunk: bytes
    adler: int


class Painter:
    def __init__(self) -> None:
        drawings = {(kind, variant): draw(kind, variant) for kind in VisualType for variant in range(VARIANTS)}
        self._templates = {
            (kind, style, variant): compress(sketched(tones) if style is VisualStyle.SKETCH else tones)
            for (kind, variant), tones in drawings.items()
            for style in VisualStyle
        }
        self._palettes = {style: [palette(style, hue / HUES) for hue in range(HUES)] for style in VisualStyle}

    def paint(self, body: bytes) -> Answer:
        """The same prompt and style give the same picture. Raises RefusedError."""
        request = parse(ImageRequest, body)
        named = request_hash(request.prompt, request.style)
        choice = int(named, 16)
        template = self._templates[kind_of(request.prompt), request.style, choice % VARIANTS]
        colours = self._palettes[request.style][choice // VARIANTS % HUES]
        picture = b64encode(png(template, colours, named)).decode()
        input_tokens, output_tokens = tokens(len(request.prompt)), request.n * picture_tokens()
        return Answer(
            orjson.dumps(
                {
                    "created": int(time.time()),
                    "data": [{"b64_json": picture}] * request.n,
                    "usage": {
                        "input_tokens": input_tokens,
                        "output_tokens": output_tokens,
                        "total_tokens": input_tokens + output_tokens,
                    },
                }
            ),
            JSON,
            {UsageUnit.IMAGES: request.n},
        )


def picture_tokens() -> int:
    """One for each block of 16 by 16 pixels, those cut off at the edge included."""
    return -(-WIDTH // BLOCK) * -(-HEIGHT // BLOCK)


def kind_of(prompt: str) -> VisualType:
    """The type that the prompt names first; a photo if its opening names none."""
    opening = prompt[:40].lower()
    named = [kind for kind in VisualType if kind in opening]
    return min(named, key=opening.index, default=VisualType.PHOTO)


def palette(style: VisualStyle, hue: float) -> bytes:
    """The picture's PLTE chunk."""
    stops = np.array([colorsys.hls_to_rgb(hue, *stop) for stop in RAMPS[style]])
    along = np.linspace(0, 1, LAST_TONE - FIRST_TONE + 1)
    ramp = np.stack([np.interp(along, (0, 0.5, 1), channel) for channel in stops.T], axis=1)
    colours = np.vstack([np.zeros(3), ramp, np.ones(3)])
    return chunk(b"PLTE", (colours * 255).round().astype(np.uint8).tobytes())


def compress(tones: Tones) -> Template:
    indices = (FIRST_TONE + tones * (LAST_TONE - FIRST_TONE)).round().astype(np.uint8)
    rows = np.hstack([np.zeros((TOP, 1), np.uint8), indices]).tobytes()
    packer = zlib.compressobj(9)
    # A full flush ends on a whole byte and forgets what came before, so that another stream may follow.
    data = packer.compress(rows) + packer.flush(zlib.Z_FULL_FLUSH)
    return Template(chunk(b"IDAT", data), zlib.adler32(rows))


def png(template: Template, colours: bytes, named: str) -> bytes:
    """An 8-bit indexed PNG (ISO/IEC 15948) whose image data continues the template's with the blocks of `named`."""
    rows = block_rows(named)
    packer = zlib.compressobj(1, wbits=-15)
    data = packer.compress(rows) + packer.flush() + struct.pack(">I", zlib.adler32(rows, template.adler))
    return b"".join((_HEAD, colours, template.chunk, chunk(b"IDAT", data), _END))


def block_rows(named: str) -> bytes:
    """The picture's rows from TOP on, filtered: a row that repeats the last one is stored as its difference, zeros."""
    margin = bytes([FIRST_TONE]) * LEFT
    rest = WIDTH - LEFT
    parts = []
    for row in blocks(named)[::BLOCK]:
        line = margin + row.tobytes()
        parts += [_AS_IS, line, margin[:1] * (WIDTH - len(line)), _REPEATED * (BLOCK - 1)]
    below = HEIGHT - TOP - ROWS * BLOCK
    return b"".join((*parts, _AS_IS, margin, margin[:1] * rest, _REPEATED * (below - 1)))


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(data, zlib.crc32(kind)))


_AS_IS = b"\0"
_REPEATED = b"\2" + bytes(WIDTH)
_HEAD = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 3, 0, 0, 0))
_END = chunk(b"IEND", b"")
