"""Where the project is, and where it keeps what it fetches, measures and reports."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def cache_dir() -> Path:
    """`.cache` in the project, or where REELBENCH_CACHE says."""
    return Path(os.environ.get("REELBENCH_CACHE") or ROOT / ".cache").resolve()


def runs_dir() -> Path:
    """`runs` in the project, or where REELBENCH_RUNS says: a folder per run."""
    return Path(os.environ.get("REELBENCH_RUNS") or ROOT / "runs").resolve()


def reports_dir() -> Path:
    """`tests/reports` in the project, or where REELBENCH_REPORTS says."""
    return Path(os.environ.get("REELBENCH_REPORTS") or ROOT / "tests" / "reports").resolve()
