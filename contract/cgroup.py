"""What the control group of a process lets it use (Linux, both versions of the interface)."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

UNLIMITED = 2**62
"""Bytes from which on version 1 means that there is no limit: it tells the largest number of whole pages."""


@dataclass(frozen=True, slots=True)
class Limits:
    """None where there is no limit, or no control group."""

    memory_bytes: int | None = None
    cores: float | None = None


def limits(own: Path = Path("/proc/self/cgroup"), root: Path = Path("/sys/fs/cgroup")) -> Limits:
    """The tightest of the process's own group and those around it. `own` lists its groups, `root` is where they lie."""
    try:
        lines = own.read_text().splitlines()
    except OSError:
        return Limits()
    memory: list[int] = []
    cores: list[float] = []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        names = controllers.split(",")
        for group in _groups(root if not controllers else _mount(root, controllers), path):
            if not controllers:
                memory += _numbers(group / "memory.max")
                cores += _share(_numbers(group / "cpu.max"))
            elif "memory" in names:
                memory += _numbers(group / "memory.limit_in_bytes")
            elif "cpu" in names:
                cores += _share([*_numbers(group / "cpu.cfs_quota_us"), *_numbers(group / "cpu.cfs_period_us")])
    return Limits(min((one for one in memory if 0 < one < UNLIMITED), default=None), min(cores, default=None))


def _mount(root: Path, controllers: str) -> Path:
    return next((root / name for name in (controllers, *controllers.split(",")) if (root / name).is_dir()), root / "-")


def _groups(mount: Path, path: str) -> Iterator[Path]:
    """The group and those around it. Inside of a container its path may be that of the host, where nothing is."""
    group = mount / path.lstrip("/")
    yield from (one for one in (group, *group.parents) if one == mount or mount in one.parents)


def _numbers(file: Path) -> list[int]:
    """Of a file such as `max 100000`. What says that there is no limit, a word or a -1, is -1."""
    with contextlib.suppress(OSError, ValueError):
        return [-1 if word == "max" else int(word) for word in file.read_text().split()]
    return []


def _share(numbers: list[int]) -> list[float]:
    """Cores, from a quota and the period that it is for."""
    if len(numbers) < 2 or min(numbers) <= 0:
        return []
    quota, period = numbers
    return [quota / period]
