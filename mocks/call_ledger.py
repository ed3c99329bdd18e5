"""The mocks' own account of a run's provider calls, which a restart of the mocks does not end."""

import time
from pathlib import Path
from typing import Self

from contract.provider_faults import CallNote, FaultNote, FaultPlan

KEPT = 24 * 3600.0
"""Seconds after its last line for which a ledger is kept."""


class CallLedger:
    """One file per run: a line for each call that arrived, and one for the end of each that met a fault.

    It holds no open file, so that a note may be written long after the plan was withdrawn.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def of(cls, run: str, data_dir: Path) -> Self:
        """Raises ValueError on a name that no run may have."""
        name = FaultPlan(run=run, start=0, faults=()).run
        return cls(data_dir / "provider_calls" / f"{name}.jsonl")

    def open(self) -> None:
        """What is there already stays, except for the ledgers of days long gone. Raises OSError."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        for other in self.path.parent.glob("*.jsonl"):
            if time.time() - other.stat().st_mtime > KEPT:
                other.unlink(missing_ok=True)
        self.path.touch()

    def write(self, note: CallNote | FaultNote) -> None:
        """Returns when the kernel has it, so that no death of this process takes it away. Raises OSError."""
        line = note.model_dump_json(exclude_none=True).encode() + b"\n"
        with self.path.open("ab") as file:
            file.write(line)

    def read(self) -> bytes:
        """All whole lines. Raises FileNotFoundError if the run has none."""
        content = self.path.read_bytes()
        return content[: content.rfind(b"\n") + 1]
