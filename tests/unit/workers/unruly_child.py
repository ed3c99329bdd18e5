"""A sandbox process with tasks that misbehave."""

import os
import signal
import sys
import time

from contract.jobs import ErrorCode
from workers.errors import StageError
from workers.sandbox import child


def nap(seconds: float) -> dict[str, object]:
    time.sleep(seconds)
    return {"pid": os.getpid()}


def hang(*, deaf: bool) -> dict[str, object]:
    if deaf:
        signal.signal(signal.SIGALRM, signal.SIG_IGN)
    while True:
        time.sleep(1)


def leave() -> dict[str, object]:
    os._exit(3)


def hog() -> dict[str, object]:
    return {"size": len(bytearray(2**31))}


def stumble() -> dict[str, object]:
    raise KeyError("a defect of ours")


def refuse() -> dict[str, object]:
    raise StageError(ErrorCode.DOCUMENT_ENCRYPTED, "no entry")


def environment() -> dict[str, object]:
    return dict(os.environ)


if __name__ == "__main__":
    child.TASKS.update({task.__name__: task for task in (nap, hang, leave, hog, stumble, refuse, environment)})
    child.main(int(sys.argv[1]))
