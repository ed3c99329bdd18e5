"""The command line in processes of its own, with folders of its own."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import psutil
import pytest

from stack.places import ROOT, cache_dir
from stack.programs import find_programs

Cli = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def places(tmp_path: Path) -> Mapping[str, str]:
    """Environment that keeps a command's cache, runs and reports apart; programs once fetched are shared."""
    find_programs()
    cache = tmp_path / "cache"
    cache.mkdir()
    if (cache_dir() / "programs").exists():
        (cache / "programs").symlink_to(cache_dir() / "programs")
    return {
        "REELBENCH_CACHE": str(cache),
        "REELBENCH_RUNS": str(tmp_path / "runs"),
        "REELBENCH_REPORTS": str(tmp_path / "reports"),
        "COLUMNS": "200",
    }


@pytest.fixture
def cli(places: Mapping[str, str]) -> Iterator[Cli]:
    """Starts `python -m cli`; what a test leaves running is ended and fails it."""
    started: list[subprocess.Popen[str]] = []

    def start(*args: str, **env: str) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [sys.executable, "-m", "cli", *args],
            cwd=ROOT,
            env=os.environ | places | env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=30)
    assert descendants(places) == []
    stacks = Path(places["REELBENCH_CACHE"]) / "stacks"
    assert [path.name for path in stacks.glob("*") if path.is_dir()] == []


def descendants(places: Mapping[str, str]) -> list[str]:
    """Processes that carry the environment of these commands."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("REELBENCH_CACHE") == places["REELBENCH_CACHE"]:
                found.append(" ".join(process.cmdline()))
        except psutil.Error:
            continue
    return found
