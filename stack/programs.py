"""Finds the programs that are not Python packages: redis-server and prometheus, and a browser for tests.

From PATH when new enough; else, on Debian and Ubuntu, unpacked from the distribution's packages into our own cache
folder, without root and without touching the system. `python -m stack.programs` shows (and fetches) them.
"""

import fcntl
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from contract.errors import EnvironmentFault, ReelbenchError
from stack.packages import fetch_packages
from stack.places import cache_dir

_VERSION = re.compile(r"(?:\bv=|\bversion |^Chromium )(\d+)\.(\d+)(?:\.(\d+))?")


@dataclass(frozen=True, slots=True)
class Requirement:
    name: str
    """Of the program and of its package in Debian."""
    minimum: tuple[int, int]
    site: str
    file: str = ""
    """Where its package has it, if that is not `usr/bin/<name>`."""

    @property
    def oldest(self) -> str:
        return ".".join(map(str, self.minimum))


REDIS = Requirement("redis-server", (7, 0), "https://redis.io/download")
PROMETHEUS = Requirement("prometheus", (2, 40), "https://prometheus.io/download")
REQUIREMENTS = (REDIS, PROMETHEUS)
"""What every run needs."""
BROWSER = Requirement(
    "chromium-headless-shell",
    (120, 0),
    "https://www.chromium.org",
    "usr/lib/chromium/chromium-headless-shell",  # the one in usr/bin is a script that starts the system's
)
"""What only tests need: about 100 MB to fetch, and 300 MB unpacked."""


@dataclass(frozen=True, slots=True)
class Program:
    name: str
    path: Path
    version: str
    env: dict[str, str] = field(default_factory=dict)
    """What its process needs in its environment: the libraries that were unpacked with it."""
    share: Path = Path("/usr/share")
    """Where its package keeps its data files."""


def find_programs(
    progress: Callable[[str], None] = print, requirements: Sequence[Requirement] = REQUIREMENTS
) -> dict[str, Program]:
    """All programs by name; fetches the missing ones once, with one line through `progress`.

    Raises EnvironmentFault with the command to run where they cannot be fetched.
    """
    found = {requirement.name: find_program(requirement) for requirement in requirements}
    missing = tuple(requirement for requirement in requirements if found[requirement.name] is None)
    if missing:
        found |= _fetch(missing, progress)
    return {name: program for name, program in found.items() if program}


def find_program(requirement: Requirement) -> Program | None:
    """The first of PATH and our cache that runs and is new enough."""
    candidates = []
    if on_path := shutil.which(requirement.name):
        candidates.append(_program(requirement, Path(on_path)))
    unpacked = programs_dir() / requirement.name
    candidates.append(_program(requirement, unpacked / (requirement.file or f"usr/bin/{requirement.name}"), unpacked))
    return next((program for program in candidates if program and _new_enough(requirement, program)), None)


def programs_dir() -> Path:
    return cache_dir() / "programs"


def parse_version(output: str) -> str | None:
    """`major.minor.patch` from what `--version` of a program prints; None if there is none in it."""
    match = _VERSION.search(output)
    return ".".join(part or "0" for part in match.groups()) if match else None


def _new_enough(requirement: Requirement, program: Program) -> bool:
    major, minor, _ = map(int, program.version.split("."))
    return (major, minor) >= requirement.minimum


def _program(requirement: Requirement, path: Path, unpacked: Path | None = None) -> Program | None:
    """None if there is no such program or it does not run, as one that was unpacked on another system."""
    env = _library_env(unpacked) if unpacked else {}
    try:
        shown = subprocess.run(  # noqa: S603 - the path is ours or PATH's
            [path, "--version"], capture_output=True, text=True, check=False, timeout=10, env=os.environ | env
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    version = parse_version(shown.stdout + shown.stderr)
    if shown.returncode or version is None:
        return None
    return Program(requirement.name, path, version, env, (unpacked or Path("/")) / "usr/share")


def _library_env(unpacked: Path) -> dict[str, str]:
    libraries = (library for base in ("lib", "usr/lib") for library in (unpacked / base).rglob("*.so*"))
    folders = sorted({str(library.parent) for library in libraries})
    if not folders:
        return {}
    inherited = os.environ.get("LD_LIBRARY_PATH")
    return {"LD_LIBRARY_PATH": ":".join([*folders, *([inherited] if inherited else [])])}


def _fetch(missing: tuple[Requirement, ...], progress: Callable[[str], None]) -> dict[str, Program | None]:
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        raise EnvironmentFault(install_hint(missing))
    with _locked(programs_dir()):
        found = {requirement.name: find_program(requirement) for requirement in missing}
        absent = [requirement.name for requirement in missing if found[requirement.name] is None]
        if absent:
            progress(f"Fetching {' and '.join(absent)} as packages of this system into {programs_dir()} (once).")
            fetch_packages(absent, programs_dir())
        for requirement in missing:
            found[requirement.name] = find_program(requirement)
            if found[requirement.name] is None:
                raise EnvironmentFault(
                    f"This system's package of {requirement.name} is too old or does not run: put {requirement.name} "
                    f"{requirement.oldest} or newer on PATH (from {requirement.site})."
                )
    return found


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


_INSTALLERS = (
    ("brew", "brew install", {REDIS: "redis", PROMETHEUS: "prometheus"}),
    ("dnf", "sudo dnf install", {REDIS: "valkey-compat-redis", PROMETHEUS: "golang-github-prometheus"}),
    ("pacman", "sudo pacman -S", {REDIS: "valkey", PROMETHEUS: "prometheus"}),
    ("apk", "sudo apk add", {REDIS: "redis", PROMETHEUS: "prometheus"}),
    ("zypper", "sudo zypper install", {REDIS: "redis", PROMETHEUS: "golang-github-prometheus-prometheus"}),
)


def install_hint(missing: tuple[Requirement, ...]) -> str:
    """One sentence: what is missing, and the command of this system that brings it."""
    wanted = " and ".join(f"{requirement.name} {requirement.oldest} or newer" for requirement in missing)
    for tool, command, packages in _INSTALLERS:
        if shutil.which(tool) and packages.keys() >= set(missing):
            names = " ".join(packages[requirement] for requirement in missing)
            return f"Needs {wanted} on PATH: run `{command} {names}`."
    sites = " and ".join(requirement.site for requirement in missing)
    return f"Needs {wanted} on PATH: install from {sites}."


def main() -> int:
    try:
        for program in find_programs().values():
            print(f"{program.name} {program.version} {program.path}")  # noqa: T201 - a command's output
    except ReelbenchError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
