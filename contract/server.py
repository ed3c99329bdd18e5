"""How a process of ours answers HTTP: one uvicorn, on uvloop, that ends cleanly on SIGTERM and SIGINT."""

import logging

import uvicorn
from starlette.types import ASGIApp

KEEP_ALIVE = 75
"""Seconds; longer than any client of ours keeps a connection, so that no request meets a closing one."""


def serve(app: ASGIApp, host: str, port: int, log_level: str, *, lifespan: bool = True) -> None:
    """Blocks until a signal; exits with uvicorn's status when the port is taken."""
    logging.basicConfig(level=log_level, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    uvicorn.run(
        app,
        host=host,
        port=port,
        loop="uvloop",
        http="httptools",
        lifespan="on" if lifespan else "off",
        access_log=False,
        log_config=None,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=5,
        server_header=False,
    )
