"""What a loss of power does to Redis's append-only file: what the disk does not hold yet is gone; and its repair.

Killing the process proves nothing about that, since the kernel goes on to write what the process had handed to it. So
the kernel is asked which pages of the file it still has to write (cachestat(2), Linux 6.5), and the file is cut there.
"""

import asyncio
import ctypes
import errno
import mmap
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from contract.errors import EnvironmentFault

_CACHESTAT = 451  # the same on every architecture (include/uapi/asm-generic/unistd.h)


class _Range(ctypes.Structure):
    _fields_ = (("offset", ctypes.c_uint64), ("length", ctypes.c_uint64))


class _Cached(ctypes.Structure):
    _fields_ = tuple((name, ctypes.c_uint64) for name in ("cache", "dirty", "writeback", "evicted", "recently_evicted"))


def append_only_file(folder: Path) -> Path:
    """The file that a Redis with this data folder appends to. Raises EnvironmentFault when it keeps none."""
    files = sorted((folder / "appendonlydir").glob("*.incr.aof"), key=lambda file: int(file.name.split(".")[-3]))
    if not files:
        raise EnvironmentFault(f"Redis keeps no append-only file in {folder}: nothing survives a loss of power there.")
    return files[-1]


async def mend(redis: Path, folder: Path, env: Mapping[str, str]) -> None:
    """Cuts off the transaction that the log of a stopped Redis may end in the middle of. `redis` is the program.

    Redis itself (7.0.15 does) cuts only the last incomplete command; what stays of the transaction becomes part of the
    next one at the second start. Raises EnvironmentFault when the log is damaged elsewhere.
    """
    manifest = folder / "appendonlydir" / "appendonly.aof.manifest"
    if not manifest.exists():
        return
    check = await asyncio.create_subprocess_exec(
        _checker(redis, folder),
        *("--fix", manifest),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=env,
    )
    said, _ = await check.communicate(b"y\n")
    if check.returncode:
        raise EnvironmentFault(f"The log of Redis in {folder} cannot be mended: {said.decode().strip()[-500:]}")


def _checker(redis: Path, folder: Path) -> Path:
    """The same program, which goes by the name that it is called by."""
    link = folder / "redis-check-aof"
    if not link.is_symlink():
        link.symlink_to(redis.resolve())
    return link


def check_that_losses_can_be_seen(folder: Path) -> None:
    """Raises EnvironmentFault where kernel or file system do not tell what is on disk."""
    probe = folder / f"probe-{secrets.token_hex(4)}"
    try:
        with probe.open("wb", buffering=0) as file:
            file.write(b"x")
            before = _unwritten(file.fileno(), 0)
            os.fdatasync(file.fileno())
            if not before or _unwritten(file.fileno(), 0):
                raise EnvironmentFault(
                    f"A loss of power cannot be played here: the file system of {folder} does not tell what it has "
                    "written. Set REELBENCH_CACHE to a folder on a disk (ext4, xfs)."
                )
    finally:
        probe.unlink(missing_ok=True)


def on_disk(path: Path) -> int:
    """How many bytes from the beginning of the file are certainly on disk, to the page."""
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        low, high = 0, -(-size // mmap.PAGESIZE)  # pages; all before `low` are written
        if not _unwritten(file.fileno(), 0):
            return size
        while high - low > 1:
            middle = (low + high) // 2
            if _unwritten(file.fileno(), low * mmap.PAGESIZE, (middle - low) * mmap.PAGESIZE):
                high = middle
            else:
                low = middle
        return low * mmap.PAGESIZE


def _unwritten(descriptor: int, offset: int, length: int = 0) -> bool:
    """Whether the kernel holds pages of this range that the disk lacks; `length` 0: to the end of the file."""
    found = _Cached()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(_CACHESTAT, descriptor, ctypes.byref(_Range(offset, length)), ctypes.byref(found), 0):
        code = ctypes.get_errno()
        if code == errno.ENOSYS:
            raise EnvironmentFault("A loss of power cannot be played here: it needs Linux 6.5 or newer (cachestat).")
        raise OSError(code, os.strerror(code))
    return bool(found.dirty or found.writeback)
