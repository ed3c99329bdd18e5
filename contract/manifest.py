"""What a finished video consists of; published beside it as `manifest.json`."""

from enum import StrEnum

from pydantic import BaseModel, Field

from contract.placeholder import placeholder_hash


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
    """`request_hash` names the picture that was asked for (`contract.pattern`)."""

    index: int
    narration: str
    visual_type: str
    visual_prompt: str
    request_hash: str
    start: float
    seconds: float
    placeholders: list[AssetKind] = Field(
        default_factory=list, description="what a provider did not deliver, so that something else stands for it"
    )

    @property
    def shown_hash(self) -> str:
        """What the scene's picture must show."""
        missing = AssetKind.VISUAL in self.placeholders
        return placeholder_hash(self.request_hash) if missing else self.request_hash


class Manifest(BaseModel):
    job_id: str
    title: str
    document_sha256: str
    seconds: float
    scenes: list[SceneRecord]
    assets: list[Asset]

    @property
    def failed_scenes(self) -> list[int]:
        return [scene.index for scene in self.scenes if scene.placeholders]

    def asset(self, name: str) -> Asset | None:
        return next((asset for asset in self.assets if asset.name == name), None)


VIDEO_NAME = "video.mp4"
MANIFEST_NAME = "manifest.json"
