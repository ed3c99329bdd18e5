"""`python -m mocks`: serves until SIGTERM or SIGINT, then finishes the answers under way and exits with 0."""

import signal
import socket
import sys
from types import FrameType

import uvicorn

from contract.errors import EnvironmentFault, ReelbenchError
from contract.settings import Deployment, Workload
from mocks.app import create_app
from mocks.connection import CuttableProtocol

KEEP_ALIVE = 75
"""Longer than a client keeps an idle connection, so that it is the client who closes it."""


def main() -> int:
    for number in (signal.SIGTERM, signal.SIGINT):
        # Uvicorn takes both signals while it serves and hands them back here afterwards.
        signal.signal(number, leave)
    deployment = Deployment()
    try:
        listener = listen(deployment.host, deployment.port)
    except ReelbenchError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    host, port = listener.getsockname()[:2]
    config = uvicorn.Config(
        create_app(Workload(), deployment),
        loop="uvloop",
        http=CuttableProtocol,
        ws="none",
        lifespan="on",
        access_log=False,
        log_level=deployment.log_level.lower(),
        timeout_keep_alive=KEEP_ALIVE,
        server_header=False,
    )
    sys.stdout.write(f"Mocked providers answer on http://{host}:{port}/v1\n")
    sys.stdout.flush()
    uvicorn.Server(config).run(sockets=[listener])
    return 0


def leave(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)


def listen(host: str, port: int) -> socket.socket:
    """Raises EnvironmentFault if the address cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise EnvironmentFault(
            f"Cannot listen on {host} port {port}: {error.strerror}. Free the port or set T2V_PORT to another."
        ) from error


if __name__ == "__main__":
    sys.exit(main())
