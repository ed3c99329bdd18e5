"""The processes of a stack: how each is called, where it answers, when it is ready."""

import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from contract.settings import Fsync
from stack.places import ROOT
from stack.ports import LOOPBACK
from stack.programs import Program

Argv = Sequence[str | Path]

COMMANDS: Mapping[str, Sequence[str]] = {
    "mocks": (sys.executable, "-m", "mocks"),
    "exporter": (sys.executable, "-m", "service.exporter"),
    "service": (sys.executable, "-m", "service"),
    "worker": (sys.executable, "-m", "workers"),
}
"""By the job label under which Prometheus scrapes the process."""

READY_PATHS = {"mocks": "/healthz", "exporter": "/healthz", "service": "/readyz", "worker": "/metrics"}


@dataclass(frozen=True, slots=True)
class Part:
    name: str
    argv: Argv
    port: int
    ready_url: str
    """redis:// is asked with PING, http:// must answer 200."""
    env: Mapping[str, str] = field(default_factory=dict)
    job: str | None = None
    """The label under which it is scraped, if it is."""
    folder: Path | None = None
    """Where it keeps a log of its data, and `fsync`: when that reaches the disk."""
    fsync: Fsync | None = None

    @property
    def role(self) -> str:
        """What it is called where one of several is meant."""
        return self.job or self.name

    @property
    def url(self) -> str:
        scheme = self.ready_url.partition(":")[0]
        return f"{scheme}://{LOOPBACK}:{self.port}" + ("/0" if scheme == "redis" else "")


def queue_store(program: Program, port: int, state: Path, fsync: Fsync = Fsync.EVERYSEC) -> Part:
    """Redis for the ledger: it keeps what it acknowledged, and refuses rather than forgets or grows on."""
    options = ("--appendonly", "yes", "--appendfsync", fsync, "--maxmemory", "1gb", "--maxmemory-policy", "noeviction")
    part = _redis("redis", program, port, state, options)
    return replace(part, folder=state / "redis", fsync=fsync)


def cache_store(program: Program, port: int, state: Path, most_bytes: int) -> Part:
    """Redis for the cache: bounded, forgets the least used, keeps nothing on disk."""
    options = ("--appendonly", "no", "--maxmemory", str(most_bytes), "--maxmemory-policy", "allkeys-lru")
    return _redis("cache", program, port, state, options)


def _redis(name: str, program: Program, port: int, state: Path, options: Sequence[str]) -> Part:
    folder = state / name
    folder.mkdir()
    argv: Argv = (program.path, "--port", str(port), "--bind", LOOPBACK, "--dir", folder, "--save", "", *options)
    return Part(name, argv, port, f"redis://{LOOPBACK}:{port}", program.env)


def prometheus(program: Program, port: int, state: Path, targets: Path) -> Part:
    """Prometheus over `targets`, with the project's rules and alerts and its settings for one machine."""
    config = state / "prometheus.yml"
    shutil.copy(ROOT / "prometheus/local.yml", config)
    for folder in ("rules", "alerts"):
        shutil.copytree(ROOT / "prometheus" / folder, state / folder)
    assert targets.parent == state  # as local.yml says
    argv: list[str | Path] = [
        program.path,
        f"--config.file={config}",
        f"--web.listen-address={LOOPBACK}:{port}",
        f"--storage.tsdb.path={state / 'tsdb'}",
        "--storage.tsdb.retention.time=1d",
        "--storage.tsdb.retention.size=1GB",
        # Else a process that joins waits 5 s more for its first scrape.
        "--scrape.discovery-reload-interval=100ms",
    ]
    # Debian's Prometheus reads its pages from its package's folder, upstream's has them built in.
    assets = program.share / "prometheus/web"
    if assets.is_dir():
        argv.append(f"--web.local-assets={assets}/")
    return Part("prometheus", argv, port, f"http://{LOOPBACK}:{port}/-/ready", program.env)


def own_process(name: str, job: str, command: Sequence[str], port: int) -> Part:
    """A Python process of the project, which learns its port and, a worker, its name from the environment."""
    env = {"T2V_PORT": str(port), "T2V_WORKER_NAME": name}
    return Part(name, command, port, f"http://{LOOPBACK}:{port}{READY_PATHS[job]}", env, job)
