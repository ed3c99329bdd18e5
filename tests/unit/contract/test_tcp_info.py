import socket
from collections.abc import Iterator

import pytest

from contract.tcp_info import SENT, WireBytes, kernel_tells, wire_bytes


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Both ends of a connection."""
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        accepted, _ = server.accept()
        with accepted:
            yield client, accepted


def take(connection: socket.socket, size: int) -> None:
    while size:
        size -= len(connection.recv(min(size, 65536)))


def test_both_ends_tell_what_went_each_way(pair: tuple[socket.socket, socket.socket]) -> None:
    client, server = pair
    assert wire_bytes(client) == wire_bytes(server) == WireBytes(0, 0)
    client.sendall(bytes(100_000))
    take(server, 100_000)
    server.sendall(bytes(777))
    take(client, 777)
    assert wire_bytes(client) == WireBytes(sent=100_000, received=777)
    assert wire_bytes(server) == WireBytes(sent=777, received=100_000)


def test_a_kernel_that_gives_a_shorter_struct_tells_nothing() -> None:
    class Old:
        def getsockopt(self, _level: int, _name: int, _size: int, /) -> bytes:
            return bytes(SENT.size - 8)

    assert wire_bytes(Old()) is None


def test_a_socket_that_is_closed_or_no_tcp_tells_nothing() -> None:
    closed = socket.socket()
    closed.close()
    assert wire_bytes(closed) is None
    with socket.socket(socket.AF_UNIX) as unix:
        assert wire_bytes(unix) is None


def test_a_system_without_the_option_tells_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert kernel_tells()
    monkeypatch.delattr(socket, "TCP_INFO")
    with socket.socket() as unconnected:
        assert wire_bytes(unconnected) is None
