"""What a finished video consists of; published beside it as `manifest.json`."""

from enum import StrEnum

from pydantic import BaseModel


class AssetKind(StrEnum):
    SCRIPT = "script"
    NARRATION = "narration"
    VISUAL = "visual"
    VIDEO = "video"


class Asset(BaseModel):
    name: str
    kind: AssetKind
    scene: int | None
    media_type: str
    bytes: int
    sha256: str


class SceneRecord(BaseModel):
    """`request_hash` is what the scene's picture must show (`contract.pattern`)."""

    index: int
    narration: str
    visual_type: str
    visual_prompt: str
    request_hash: str
    start: float
    seconds: float


class Manifest(BaseModel):
    job_id: str
    title: str
    document_sha256: str
    seconds: float
    scenes: list[SceneRecord]
    assets: list[Asset]

    def asset(self, name: str) -> Asset | None:
        return next((asset for asset in self.assets if asset.name == name), None)


VIDEO_NAME = "video.mp4"
MANIFEST_NAME = "manifest.json"
