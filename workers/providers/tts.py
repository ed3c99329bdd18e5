"""The narrator: OpenAI's speech endpoint."""

from contract.calls import CallKey
from contract.jobs import CallTiming, Voice
from workers.providers.http import Caller

MODEL = "narrator"


async def narrate(caller: Caller, text: str, voice: Voice, key: CallKey, log: list[CallTiming]) -> bytes:
    """AAC in ADTS frames, or WAV from a provider that speaks no AAC. Raises ProviderError."""
    body = {"model": MODEL, "input": text, "voice": voice, "response_format": "aac"}
    return await caller.post("/audio/speech", body, key, log)
