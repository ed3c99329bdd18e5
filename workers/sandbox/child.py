"""The loop of a warm process: a task comes in on standard input's socket, its answer goes out on it.

One byte says that the process is ready. From then on frames are four bytes of length, big-endian, then JSON. The
process ends when its worker is gone.
"""

import os
import resource
import signal
import socket
import sys
import time
from collections.abc import Callable
from typing import Any

import orjson

from workers.errors import StageError
from workers.sandbox import document, video

TASKS: dict[str, Callable[..., dict[str, object]]] = {
    "parse": document.parse,
    "assemble": video.assemble,
    "encode_wav": video.encode_wav,
}


def _receive(sock: socket.socket, size: int) -> bytes:
    parts = bytearray()
    while len(parts) < size:
        part = sock.recv(size - len(parts))
        if not part:
            sys.exit(0)
        parts += part
    return bytes(parts)


def _run(request: dict[str, Any]) -> dict[str, object]:
    signal.setitimer(signal.ITIMER_REAL, request["limit"])  # its default action ends this process
    before = time.process_time()
    try:
        answer: dict[str, object] = {"result": TASKS[request["task"]](**request["args"])}
    except StageError as error:
        answer = {"error": {"code": error.code, "message": str(error)}}
    except MemoryError:
        os._exit(137)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    return answer | {"cpu": time.process_time() - before}


def main(memory_bytes: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for ignored in (signal.SIGINT, signal.SIGTERM):  # the worker decides when a task is over
        signal.signal(ignored, signal.SIG_IGN)
    sock = socket.socket(fileno=sys.stdin.fileno())
    sock.sendall(b"!")
    while True:
        size = int.from_bytes(_receive(sock, 4))
        answer = orjson.dumps(_run(orjson.loads(_receive(sock, size))))
        sock.sendall(len(answer).to_bytes(4) + answer)


if __name__ == "__main__":
    main(int(sys.argv[1]))
