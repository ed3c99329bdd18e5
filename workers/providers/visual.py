"""The illustrator: OpenAI's image generation."""

import base64

from pydantic import BaseModel

from contract.calls import Usage, UsageUnit
from contract.jobs import VisualStyle
from contract.pattern import HEIGHT, WIDTH
from workers import png
from workers.providers.http import CallContext, Caller

MODEL = "illustrator"
PICTURES = 1
"""Of one request."""


class _Image(BaseModel):
    b64_json: str


class _Images(BaseModel):
    data: list[_Image]


async def draw(caller: Caller, prompt: str, style: VisualStyle, context: CallContext) -> bytes:
    """A PNG. Raises ProviderError."""
    body: dict[str, object] = {
        "model": MODEL,
        "prompt": prompt,
        "style": style,
        "n": PICTURES,
        "size": f"{WIDTH}x{HEIGHT}",
        "output_format": "png",
    }
    return await caller.post("/images/generations", body, context, _picture, _usage)


def _picture(answer: bytes) -> bytes:
    image = base64.b64decode(_Images.model_validate_json(answer).data[0].b64_json, validate=True)
    png.check(image)
    return image


def _usage(_answer: bytes) -> Usage:
    return {UsageUnit.IMAGES: PICTURES}
