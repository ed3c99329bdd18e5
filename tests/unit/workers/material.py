"""What a video is made of, as the mocked providers deliver it."""

from dataclasses import dataclass

from contract.pattern import request_hash
from workers import adts
from workers.sandbox.video import SceneFiles


@dataclass(frozen=True, slots=True)
class Scene:
    number: int
    prompt: str
    narration: bytes

    @property
    def picture_name(self) -> str:
        return f"{self.number}.png"

    @property
    def narration_name(self) -> str:
        return f"{self.number}.aac"

    @property
    def seconds(self) -> float:
        return adts.seconds(self.narration)

    @property
    def request_hash(self) -> str:
        return request_hash(self.prompt, "clean")

    @property
    def files(self) -> SceneFiles:
        return {"visual": self.picture_name, "narration": self.narration_name, "seconds": self.seconds}
