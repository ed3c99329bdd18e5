"""The folder in which one running stack keeps its files; gone when the stack is."""

import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stack.places import cache_dir

_LOCK = "lock"


@contextmanager
def state_folder() -> Iterator[Path]:
    """A new folder; folders whose owner was killed are removed on the way.

    Its owner holds a lock on a file in it: the kernel frees that lock whatever end the owner meets.
    """
    stacks = cache_dir() / "stacks"
    stacks.mkdir(parents=True, exist_ok=True)
    with _locked(stacks / _LOCK):
        for folder in stacks.iterdir():
            if folder.is_dir() and not _owned(folder):
                shutil.rmtree(folder, ignore_errors=True)
        folder = stacks / secrets.token_hex(4)
        folder.mkdir()
        owner = os.open(folder / _LOCK, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        fcntl.flock(owner, fcntl.LOCK_EX)
    try:
        yield folder
    finally:
        with _locked(stacks / _LOCK):  # half removed, it looks like one whose owner was killed
            shutil.rmtree(folder)
        os.close(owner)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _owned(folder: Path) -> bool:
    try:
        with (folder / _LOCK).open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        pass
    return False
