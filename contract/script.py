"""The script that the LLM writes: the schema it is asked for is the one that the worker checks."""

import functools
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class VisualType(StrEnum):
    DIAGRAM = "diagram"
    CHART = "chart"
    PHOTO = "photo"
    TEXT_SLIDE = "text slide"
    ANIMATION_STILL = "animation still"


class SceneText(BaseModel):
    model_config = ConfigDict(extra="forbid")  # OpenAI's strict schemas allow no other properties

    narration: str = Field(min_length=1, max_length=4096)
    visual_type: VisualType
    visual_prompt: str = Field(min_length=1, max_length=4000)


class Script(BaseModel):
    model_config = ConfigDict(extra="forbid")

    title: str = Field(min_length=1, max_length=300)
    scenes: list[SceneText] = Field(min_length=1, max_length=20)


@functools.cache  # making a schema costs more than the rest of the call
def response_format(scenes: int) -> dict[str, Any]:
    """OpenAI's structured-output request for a script of exactly `scenes` scenes. Shared: do not change it."""
    schema = Script.model_json_schema()
    schema["properties"]["scenes"] |= {"minItems": scenes, "maxItems": scenes}
    return {"type": "json_schema", "json_schema": {"name": "script", "strict": True, "schema": schema}}
