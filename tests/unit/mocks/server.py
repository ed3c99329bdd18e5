"""The mocks as a process of their own, as a stack runs them."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[3]


@contextmanager
def running(**settings: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The process and its address."""
    with subprocess.Popen(
        [sys.executable, "-m", "mocks"],
        cwd=ROOT,
        env=os.environ | {"T2V_PORT": "0", "T2V_LOG_LEVEL": "WARNING"} | settings,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout
            yield process, process.stdout.readline().split()[-1].removesuffix("/v1")
        finally:
            process.terminate()
            process.wait(10)


def latencies(mean: str, sd: str) -> dict[str, str]:
    profiles = ("LLM", "TTS", "VISUAL")
    return {f"T2V_{name}_LATENCY__{part}": value for name in profiles for part, value in (("MEAN", mean), ("SD", sd))}
