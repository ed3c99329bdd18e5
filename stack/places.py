"""Where the project is, and where it keeps what it fetches, measures and reports."""

import os
import secrets
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def cache_dir() -> Path:
    """`.cache` in the project, or where REELBENCH_CACHE says."""
    return Path(os.environ.get("REELBENCH_CACHE") or ROOT / ".cache").resolve()


def runs_dir() -> Path:
    """`runs` in the project, or where REELBENCH_RUNS says: a folder per run."""
    return Path(os.environ.get("REELBENCH_RUNS") or ROOT / "runs").resolve()


def new_run_folder(scenario: str) -> Path:
    """An empty folder for a run; its name sorts by time."""
    folder = runs_dir() / f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{scenario}-{secrets.token_hex(2)}"
    folder.mkdir(parents=True)
    return folder


def point_latest(folder: Path) -> None:
    """`latest` beside `folder` leads to it from now on; replaced at once, so that it never dangles."""
    link = folder.parent / f".latest-{folder.name}"
    link.symlink_to(folder.name)
    link.replace(folder.parent / "latest")


def reports_dir() -> Path:
    """`tests/reports` in the project, or where REELBENCH_REPORTS says."""
    return Path(os.environ.get("REELBENCH_REPORTS") or ROOT / "tests" / "reports").resolve()
