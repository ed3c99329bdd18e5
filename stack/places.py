"""Where the project and its cache are."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def cache_dir() -> Path:
    """`.cache` in the project, or where REELBENCH_CACHE says."""
    return Path(os.environ.get("REELBENCH_CACHE") or ROOT / ".cache").resolve()
