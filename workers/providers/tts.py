"""The narrator: OpenAI's speech endpoint."""

from typing import NamedTuple

from contract.calls import Usage, UsageUnit
from contract.jobs import Voice
from workers import adts, wav
from workers.providers.http import CallContext, Caller

MODEL = "narrator"


class Narration(NamedTuple):
    """AAC in ADTS frames; or WAV, from a provider that speaks no AAC: its length is not known before it is encoded."""

    content: bytes
    seconds: float | None


async def narrate(caller: Caller, text: str, voice: Voice, context: CallContext) -> Narration:
    """Raises ProviderError."""

    def usage(_answer: bytes) -> Usage:
        """Whatever the sound is like, the text has been read."""
        return {UsageUnit.CHARACTERS: len(text)}

    body = {"model": MODEL, "input": text, "voice": voice, "response_format": "aac"}
    return await caller.post("/audio/speech", body, context, _narration, usage)


def _narration(answer: bytes) -> Narration:
    if answer.startswith(wav.SIGNATURE):
        wav.check(answer)
        return Narration(answer, None)
    return Narration(answer, adts.seconds(answer))
