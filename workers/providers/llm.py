"""The script writer: OpenAI's chat completions with structured output."""

from pydantic import BaseModel

from contract.calls import Usage, UsageUnit
from contract.script import Script, response_format
from workers.providers.http import CallContext, Caller

MODEL = "script-writer"
INSTRUCTIONS = (
    "You turn an academic document into the script of a short narrated video. Write exactly {scenes} scenes in the "
    "order of the document. Each narration is 12 to 20 words, taken from the document's own sentences. For each scene "
    "choose a visual type and describe the picture. Answer in the requested JSON format."
)


class _Message(BaseModel):
    content: str


class _Choice(BaseModel):
    message: _Message


class _Completion(BaseModel):
    choices: list[_Choice]


class _Tokens(BaseModel):
    prompt_tokens: int
    completion_tokens: int


class _Billed(BaseModel):
    usage: _Tokens


async def write_script(caller: Caller, text: str, scenes: int, seed: int, context: CallContext) -> Script:
    """A script of exactly `scenes` scenes. Raises ProviderError."""
    body = {
        "model": MODEL,
        "seed": seed,
        "messages": [
            {"role": "system", "content": INSTRUCTIONS.format(scenes=scenes)},
            {"role": "user", "content": text},
        ],
        "response_format": response_format(scenes),
    }

    def read(answer: bytes) -> Script:
        completion = _Completion.model_validate_json(answer)
        script = Script.model_validate_json(completion.choices[0].message.content)
        if len(script.scenes) != scenes:
            raise ValueError(f"the script has {len(script.scenes)} scenes instead of {scenes}")
        return script

    return await caller.post("/chat/completions", body, context, read, _usage)


def _usage(answer: bytes) -> Usage:
    tokens = _Billed.model_validate_json(answer).usage
    return {UsageUnit.INPUT_TOKENS: tokens.prompt_tokens, UsageUnit.OUTPUT_TOKENS: tokens.completion_tokens}
