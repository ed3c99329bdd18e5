"""The narrator: OpenAI's speech endpoint."""

from typing import NamedTuple

from contract.calls import CallKey
from contract.jobs import CallTiming, Voice
from workers import adts
from workers.providers.http import Caller

MODEL = "narrator"
WAV_SIGNATURE = b"RIFF"


class Narration(NamedTuple):
    """AAC in ADTS frames; or WAV, from a provider that speaks no AAC: its length is not known before it is encoded."""

    content: bytes
    seconds: float | None


async def narrate(caller: Caller, text: str, voice: Voice, key: CallKey, log: list[CallTiming]) -> Narration:
    """Raises ProviderError."""
    body = {"model": MODEL, "input": text, "voice": voice, "response_format": "aac"}
    return await caller.post("/audio/speech", body, key, log, _narration)


def _narration(answer: bytes) -> Narration:
    return Narration(answer, None if answer.startswith(WAV_SIGNATURE) else adts.seconds(answer))
