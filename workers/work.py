"""What one execution of a job carries from stage to stage."""

from dataclasses import dataclass, field
from pathlib import Path

from contract.calls import CallKey
from contract.jobs import JobOptions, JobRequest, Timings
from contract.ledger import Claim
from contract.manifest import Asset, AssetKind
from contract.script import SceneText, Script
from workers.providers.http import CallContext


@dataclass(slots=True)
class SceneWork:
    """A scene in the making; `seconds` is the length of its narration."""

    index: int
    text: SceneText
    narration: bytes = b""
    picture: bytes = b""
    seconds: float = 0.0
    failures: dict[AssetKind, str] = field(default_factory=dict)
    """What could not be had, and why; a placeholder stands for it."""

    @property
    def narration_name(self) -> str:
        return f"scene-{self.index}.aac"

    @property
    def picture_name(self) -> str:
        return f"scene-{self.index}.png"


@dataclass(slots=True)
class Work:
    claim: Claim
    request: JobRequest
    upload: Path
    folder: Path
    patience: float
    """Until when, by the loop's clock, waiting for a provider makes sense."""
    timings: Timings = field(default_factory=Timings)
    text: str = ""
    script: Script | None = None
    scenes: list[SceneWork] = field(default_factory=list)
    assets: list[Asset] = field(default_factory=list)
    cpu: float | None = None
    """CPU seconds of the stage that runs now, where it measures them."""

    @property
    def options(self) -> JobOptions:
        return self.request.options

    def call(self, scene: int) -> CallContext:
        """Of a provider call for this scene; 0 is the whole job."""
        key = CallKey(self.options.seed_key or self.claim.job_id, scene, self.claim.execution, attempt=1)
        # what an execution that left no record had stored would be a hit without a call that explains it
        namespace = self.options.cache_namespace if self.claim.execution == 1 else None
        timings = self.timings
        return CallContext(key, timings.calls, self.patience, namespace, timings.lookups, timings.waits)

    @property
    def failed_scenes(self) -> list[SceneWork]:
        return [scene for scene in self.scenes if scene.failures]

    @property
    def seconds(self) -> float:
        return sum(scene.seconds for scene in self.scenes)

    @property
    def video(self) -> Asset:
        return self.assets[-1]
