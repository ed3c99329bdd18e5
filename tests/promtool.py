"""Prometheus's own checks, by the promtool that comes with it."""

import functools
import os
import subprocess
from pathlib import Path

from stack.programs import PROMETHEUS, Program, find_programs


@functools.cache
def _prometheus() -> Program:
    return find_programs()[PROMETHEUS.name]


def promtool(*args: str | Path, given: str = "") -> tuple[int, str]:
    """Its status and what it says, having read `given`."""
    program = _prometheus().path.with_name("promtool")
    assert program.exists(), f"promtool comes with Prometheus, and is not beside {_prometheus().path}"
    done = subprocess.run(
        [program, *args],
        input=given,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env=os.environ | _prometheus().env,
    )
    return done.returncode, done.stdout + done.stderr
