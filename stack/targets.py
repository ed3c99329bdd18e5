"""What the stack's Prometheus scrapes: one file per process in a folder that it watches."""

import json
import os
from pathlib import Path

from stack.ports import LOOPBACK


class Targets:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(self, job: str, instance: str, port: int) -> None:
        """From now on `/metrics` at `port` is scraped with these labels."""
        group = [{"targets": [f"{LOOPBACK}:{port}"], "labels": {"job": job, "instance": instance}}]
        # Prometheus reads *.json only: it never sees a file half written.
        unfinished = self.folder / f"{instance}.{os.getpid()}.new"
        unfinished.write_text(json.dumps(group))
        unfinished.replace(self._file(instance))

    def remove(self, instance: str) -> None:
        self._file(instance).unlink(missing_ok=True)

    def _file(self, instance: str) -> Path:
        return self.folder / f"{instance}.json"
