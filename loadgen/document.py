"""The document that a run submits: the user's own, or a paper made here."""

import sys
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path

from contract.errors import ReelbenchError, UsageError
from loadgen.paper.layout import synthetic_paper

USERS_OWN = Path("tests/data/2507.08034v1.pdf")
"""Used when somebody has put it there; it is not ours to hand on."""


@dataclass(frozen=True)
class Document:
    name: str
    content: bytes

    @cached_property
    def sha256(self) -> str:
        return sha256(self.content).hexdigest()


def default_document(root: Path) -> Document:
    """The user's paper under `root`, the project's folder, or else the synthetic one."""
    path = root / USERS_OWN
    if path.is_file():
        return read_document(path)
    return Document("synthetic-paper.pdf", synthetic_paper())


def read_document(path: Path) -> Document:
    """Raises UsageError if the file cannot be read; whether it is a PDF is for the service to say."""
    if not path.exists():
        raise UsageError(f"There is no document {path}. Give the path of a PDF file.")
    if path.is_dir():
        raise UsageError(f"{path} is a folder. Give the path of a PDF file in it.")
    if not path.is_file():
        raise UsageError(f"{path} is no regular file. Give the path of a PDF file.")
    try:
        return Document(path.name.encode(errors="replace").decode(), path.read_bytes())
    except OSError as error:
        raise UsageError(f"The document {path} cannot be read: {error.strerror}.") from error


def main(arguments: list[str]) -> int:
    """Writes the synthetic paper to the file that is named, to be looked at."""
    try:
        if len(arguments) != 1:
            raise UsageError("Say where the synthetic paper should go: python -m loadgen.document OUT.pdf")
        target = Path(arguments[0])
        try:
            target.write_bytes(synthetic_paper())
        except OSError as error:
            raise UsageError(f"The paper cannot be written to {target}: {error.strerror}.") from error
    except ReelbenchError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
