"""The mocks' own account of a run's provider calls, which a restart of the mocks does not end."""

from pathlib import Path
from typing import Self

from contract.provider_faults import CallNote, FaultNote, FaultPlan


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
        """What is there already stays. Raises OSError."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
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
