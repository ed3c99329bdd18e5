"""Free ports on the loopback interface."""

import random
import socket
from pathlib import Path

import psutil

from contract.errors import EnvironmentFault

LOOPBACK = "127.0.0.1"

_FIRST = 10_000
_EPHEMERAL_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")


class PortChooser:
    """Chooses ports for one stack, no port twice.

    Below the range from which the kernel takes the near end of outgoing connections: a port in that range
    can be free now and taken by a connection when its server starts. At random: two stacks that start at
    the same time do not try the same ports.
    """

    def __init__(self) -> None:
        self._limit = _ephemeral_start()
        self._chosen: set[int] = set()

    def choose(self, wished: int | None = None) -> int:
        """The wished port, or any free one. Raises EnvironmentFault if the wished one is taken."""
        port = self._any() if wished is None else wished
        if wished is not None and (wished in self._chosen or not is_free(wished)):
            raise EnvironmentFault(f"Port {wished} is taken{_holder(wished)}: free it or choose another port.")
        self._chosen.add(port)
        return port

    def _any(self) -> int:
        for _ in range(1000):
            port = random.randrange(_FIRST, self._limit)  # noqa: S311 - no secret
            if port not in self._chosen and is_free(port):
                return port
        raise EnvironmentFault(f"No free port between {_FIRST} and {self._limit} on {LOOPBACK}.")


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As servers do: connections that linger after their server's end take no port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def _ephemeral_start() -> int:
    """Linux's default where the kernel does not say, or says something that leaves no room below."""
    try:
        start = int(_EPHEMERAL_RANGE.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        start = 0
    return start if start >= _FIRST + 1000 else 32768


def _holder(port: int) -> str:
    """` by NAME (process PID)`, or nothing where the system does not tell."""
    try:
        for connection in psutil.net_connections("tcp"):
            listening = connection.status == psutil.CONN_LISTEN and connection.laddr
            if listening and listening.port == port and connection.pid:
                return f" by {psutil.Process(connection.pid).name()} (process {connection.pid})"
    except (psutil.Error, OSError):
        pass
    return ""
