"""One claimed job whose document lies in a data folder, and what rendering it needs."""

from dataclasses import dataclass, field
from pathlib import Path

from prometheus_client import CollectorRegistry

from contract.calls import Provider
from contract.jobs import ErrorCode, Outcome, Stage
from contract.ledger import Claim, Ending
from contract.manifest import MANIFEST_NAME, Manifest
from tests.test_data_helper import SCENES
from workers.render import render_video
from workers.resilience.gate import Gate
from workers.tools import Tools

CALLS = 1 + 2 * SCENES


@dataclass
class Bench:
    tools: Tools
    registry: CollectorRegistry
    claim: Claim
    gates: dict[Provider, Gate]
    reports: list[tuple[Stage, int]] = field(default_factory=list)

    @property
    def folder(self) -> Path:
        return self.tools.data.execution(self.claim.job_id, self.claim.token)

    @property
    def upload(self) -> Path:
        return self.tools.data.upload(self.claim.job_id)

    def manifest(self) -> Manifest:
        return Manifest.model_validate_json((self.folder / MANIFEST_NAME).read_bytes())

    def metric(self, name: str, **labels: str) -> float:
        value = self.registry.get_sample_value(name, labels)
        assert value is not None
        return value

    async def report(self, stage: Stage, progress: int) -> None:
        self.reports.append((stage, progress))

    async def render(self) -> Ending:
        return await render_video(self.tools, self.claim, self.report)

    async def failure(self) -> tuple[ErrorCode, Stage | None]:
        """How the execution failed, leaving no asset behind."""
        ending = await self.render()
        assert ending.outcome is Outcome.FAILED
        assert ending.error
        assert not any(self.tools.data.job(self.claim.job_id).rglob("*"))
        return ending.error.code, ending.error.stage
