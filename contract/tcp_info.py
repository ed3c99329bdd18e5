"""What the kernel has counted of a TCP connection: `struct tcp_info` of Linux (include/uapi/linux/tcp.h)."""

import functools
import socket
import struct
from typing import NamedTuple, Protocol

RECEIVED = struct.Struct("=128xQ")
"""`tcpi_bytes_received`, since Linux 4.1. The end of the stream counts as a byte, too."""
SENT = struct.Struct("=200xQQ")
"""`tcpi_bytes_sent` and, of those, `tcpi_bytes_retrans`, since Linux 4.19. On a machine that is short of CPU even the
loopback interface sends again what was not acknowledged in time.
"""


class WireBytes(NamedTuple):
    """Of the stream, since the connection was made: HTTP's heads and TLS are in it; headers of TCP and IP, and what was
    sent again, are not.
    """

    sent: int
    received: int


class Socket(Protocol):
    """`socket.socket`, or what an event loop gives in its place."""

    def getsockopt(self, level: int, optname: int, buflen: int, /) -> bytes: ...


def wire_bytes(connection: Socket) -> WireBytes | None:
    """None where the kernel does not tell, which is not 0: another system, an older Linux, no TCP, a closed socket."""
    if not hasattr(socket, "TCP_INFO"):
        return None
    try:
        info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, SENT.size)
    except OSError:
        return None
    if len(info) < SENT.size:
        return None
    sent, again = SENT.unpack(info)
    return WireBytes(sent - again, RECEIVED.unpack_from(info)[0])


@functools.cache
def kernel_tells() -> bool:
    """Whether this kernel counts the bytes of a connection at all."""
    with socket.socket() as unconnected:
        return wire_bytes(unconnected) is not None
