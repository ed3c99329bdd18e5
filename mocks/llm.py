"""`POST /v1/chat/completions`: writes the script of a video from the document's own sentences."""

import time
from hashlib import blake2b
from itertools import cycle
from typing import Any

import orjson
from pydantic import BaseModel, Field

from contract.calls import UsageUnit
from contract.script import SceneText, Script, VisualType
from mocks.endpoint import Answer
from mocks.problems import JSON, RefusedError, parse
from mocks.prose import read

DEFAULT_SCENES = 5
CHARACTERS_PER_TOKEN = 4
LONGEST_TITLE = 200


class Message(BaseModel):
    role: str
    content: str


class ChatRequest(BaseModel):
    model: str
    messages: list[Message] = Field(min_length=1)
    response_format: dict[str, Any] = Field(default_factory=dict)
    seed: int = 0


def complete(body: bytes) -> Answer:
    """The same document and seed give the same script. Raises RefusedError."""
    request = parse(ChatRequest, body)
    document = next((message.content for message in reversed(request.messages) if message.role == "user"), "")
    if not document.strip():
        raise RefusedError(400, "There is no user message with the text of a document.", param="messages")
    content = write_script(document, scene_count(request.response_format), request.seed).model_dump_json()
    prompt_tokens = tokens(sum(len(message.content) for message in request.messages))
    completion_tokens = tokens(len(content))
    completion = {
        "id": f"chatcmpl-{blake2b(body, digest_size=12).hexdigest()}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": request.model,
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": content, "refusal": None},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {
            "prompt_tokens": prompt_tokens,
            "completion_tokens": completion_tokens,
            "total_tokens": prompt_tokens + completion_tokens,
        },
    }
    usage = {UsageUnit.INPUT_TOKENS: prompt_tokens, UsageUnit.OUTPUT_TOKENS: completion_tokens}
    return Answer(orjson.dumps(completion), JSON, usage)


def tokens(characters: int) -> int:
    """The usual rule of thumb for English."""
    return -(-characters // CHARACTERS_PER_TOKEN)


def scene_count(response_format: dict[str, Any]) -> int:
    """How many scenes the requested JSON schema wants; raises RefusedError unless it is 1 to 20."""
    node: Any = response_format
    for name in ("json_schema", "schema", "properties", "scenes", "minItems"):
        node = node.get(name) if isinstance(node, dict) else None
    if node is None:
        return DEFAULT_SCENES
    if not isinstance(node, int) or not 1 <= node <= 20:
        raise RefusedError(400, "minItems of scenes must be 1 to 20.", param="response_format")
    return node


def write_script(document: str, count: int, seed: int) -> Script:
    narrations = read(document).choose(count, seed)
    scenes = [
        SceneText(
            narration=narration,
            visual_type=kind,
            visual_prompt=f"{'An' if kind[0] in 'aeiou' else 'A'} {kind} of scene {number}: {narration}",
        )
        for number, (narration, kind) in enumerate(zip(narrations, cycle(VisualType), strict=False), 1)
    ]
    return Script(title=title(document), scenes=scenes)


def title(document: str) -> str:
    """The first line that has words in it, and the next one or two where it breaks off at a word like `of`."""
    opening = document.lstrip()[:2000]
    lines = iter(" ".join(line.split()) for line in opening.splitlines())
    found = next((line for line in lines if sum(map(str.isalpha, line)) > 2), "Untitled document")
    for line in (next(lines, ""), next(lines, "")):
        last = found.split()[-1]
        if not line or not (last.endswith((":", "-", ",")) or (last.islower() and len(last) < 4)):
            break
        found = f"{found} {line}"
    return found[:LONGEST_TITLE]
