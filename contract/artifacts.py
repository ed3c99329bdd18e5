"""Where uploads and finished assets lie under the data folder that service and workers share."""

import os
from pathlib import Path

from contract.manifest import MANIFEST_NAME


class DataFolder:
    """`uploads/<job>.pdf`, and `artifacts/<job>/<token>/` for the assets of one execution."""

    def __init__(self, root: Path) -> None:
        self.uploads = root / "uploads"
        self.artifacts = root / "artifacts"

    def create(self) -> None:
        self.uploads.mkdir(parents=True, exist_ok=True)
        self.artifacts.mkdir(parents=True, exist_ok=True)

    def upload(self, job_id: str) -> Path:
        return self.uploads / f"{job_id}.pdf"

    def job(self, job_id: str) -> Path:
        return self.artifacts / job_id

    def execution(self, job_id: str, token: str) -> Path:
        return self.artifacts / job_id / token

    def manifest(self, job_id: str, token: str) -> Path:
        return self.execution(job_id, token) / MANIFEST_NAME


def make_durable(*paths: Path) -> None:
    """Returns when the disk has these files and folders: of a folder, the names in it. Raises OSError."""
    for path in paths:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
