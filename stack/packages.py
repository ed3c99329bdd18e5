"""Downloads and unpacks Debian packages into a folder of our own, as any user, leaving the system as it is."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from contract.errors import EnvironmentFault

# Hooks of the system's own apt are switched off: run as root they would act on the system's folders.
_APT_CONFIG = """\
Dir::State "{work}/state";
Dir::State::status "/var/lib/dpkg/status";
Dir::Cache "{work}/cache";
Dir::Log "{work}/log";
Debug::NoLocking "true";
APT::Sandbox::User "";
APT::Install-Recommends "false";
Acquire::Languages "none";
Acquire::Retries "3";
Acquire::http::Timeout "20";
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
"""


def fetch_packages(names: Iterable[str], into: Path) -> None:
    """Unpacks each package, with the packages it needs and the system lacks, as `into/<name>`; all or nothing each.

    The caller holds a lock on `into`. Raises EnvironmentFault when apt-get cannot.
    """
    for leftover in into.glob(".fetch-*"):
        shutil.rmtree(leftover, ignore_errors=True)
    with tempfile.TemporaryDirectory(dir=into, prefix=".fetch-") as folder:
        work = Path(folder)
        for part in ("state/lists/partial", "cache/archives/partial", "log"):
            (work / part).mkdir(parents=True)
        (work / "apt.conf").write_text(_APT_CONFIG.format(work=work))
        # A dead third-party source makes `update` complain; what matters is whether the packages can be had.
        warnings = _apt_get(work, "update").stderr
        for name in names:
            done = _apt_get(work, "install", "--yes", "--download-only", name)
            if done.returncode:
                raise EnvironmentFault(_explain(name, done.stderr + warnings))
            _unpack(work, name, into)


def _apt_get(work: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - fixed words and package names of ours
        ["apt-get", "-q", "-c", work / "apt.conf", *command],  # noqa: S607 - found on PATH by the caller
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        env=os.environ | {"LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"},
    )


def _explain(name: str, complaints: str) -> str:
    lines = [line[3:].rstrip(".") for line in complaints.splitlines() if line.startswith(("E: ", "W: "))]
    return (
        f"apt-get could not download {name} ({'; '.join(lines[:2]) or 'without a reason'}): check the network and "
        f"the package sources, or run `sudo apt-get install {name}`."
    )


def _unpack(work: Path, name: str, into: Path) -> None:
    archives = work / "cache/archives"
    root = work / "root"
    root.mkdir()
    for package in sorted(archives.glob("*.deb")):
        _run_dpkg_deb(package, root)
        package.unlink()
    _lend_system_scripts(root)
    target = into / name
    if target.exists():
        shutil.rmtree(target)
    root.rename(target)


def _run_dpkg_deb(package: Path, root: Path) -> None:
    command: Sequence[str | Path] = ("dpkg-deb", "-x", package, root)
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - as above
    if done.returncode:
        raise EnvironmentFault(f"dpkg-deb could not unpack {package.name}: {done.stderr.strip()}.")


def _lend_system_scripts(root: Path) -> None:
    """Prometheus's pages link to script packages beside them; one that the system already has was not downloaded."""
    for link in (root / "usr/share").glob("**/*"):
        if link.is_symlink() and not link.exists():
            wanted = Path(os.path.normpath(link.parent / link.readlink()))
            if wanted.is_relative_to(root) and (system := Path("/") / wanted.relative_to(root)).exists():
                wanted.parent.mkdir(parents=True, exist_ok=True)
                wanted.symlink_to(system)
