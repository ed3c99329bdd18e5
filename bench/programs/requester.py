"""Requests one URL as fast as a client can: `python -m ... CLIENT URL CONNECTIONS SECONDS [CORE]`

Prints one line of JSON: requests a second, CPU seconds per request, P50 and P99 of the latency in seconds. Each
connection asks for the next answer when it has the last one. The CPU is that of the client alone.
"""

import asyncio
import contextlib
import re
import resource
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from urllib.parse import urlsplit

import aiohttp
import httpx
import uvloop

from bench.programs.figures import figures, pin, tell
from loadgen.wire import Wire

BOUND = 10.0
Ask = Callable[[], Awaitable[object]]


@contextlib.asynccontextmanager
async def wire(url: str) -> AsyncIterator[Ask]:
    base, _, path = url.partition("/v1/")
    client = Wire(base)
    yield lambda: client.request("GET", f"/v1/{path}", BOUND)
    client.close()


@contextlib.asynccontextmanager
async def aiohttp_client(url: str) -> AsyncIterator[Ask]:
    timeout = aiohttp.ClientTimeout(total=BOUND)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), timeout=timeout) as session:

        async def ask() -> bytes:
            async with session.get(url) as answer:
                return await answer.read()

        yield ask


@contextlib.asynccontextmanager
async def httpx_client(url: str) -> AsyncIterator[Ask]:
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(limits=limits, timeout=BOUND, trust_env=False) as session:
        yield lambda: session.get(url)


CLIENTS = {"wire": wire, "aiohttp": aiohttp_client, "httpx": httpx_client}


async def ask_for_ever(client: str, url: str, connections: int, seconds: float) -> dict[str, float]:
    latencies: list[float] = []

    async def one(ask: Ask, until: float) -> None:
        while (began := time.perf_counter()) < until:
            await ask()
            latencies.append(time.perf_counter() - began)

    async with CLIENTS[client](url) as ask:
        await asyncio.gather(*(one(ask, time.perf_counter() + seconds / 10) for _ in range(connections)))  # warm
        latencies.clear()
        began, cpu = time.perf_counter(), time.process_time()
        await asyncio.gather(*(one(ask, began + seconds) for _ in range(connections)))
        return figures(latencies, time.perf_counter() - began, time.process_time() - cpu)


def ask_through_socket(url: str, seconds: float) -> dict[str, float]:
    """A blocking socket and nothing else: what one exchange takes at least in Python."""
    parts = urlsplit(url)
    request = f"GET {parts.path} HTTP/1.1\r\nhost: {parts.netloc}\r\n\r\n".encode()
    latencies: list[float] = []
    with socket.create_connection((parts.hostname, parts.port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        began, cpu = time.perf_counter(), time.process_time()
        while (now := time.perf_counter()) < began + seconds:
            connection.sendall(request)
            connection.recv(65536)  # one small answer comes in one piece
            latencies.append(time.perf_counter() - now)
        return figures(latencies, time.perf_counter() - began, time.process_time() - cpu)


def ask_with_hey(url: str, connections: int, seconds: float) -> dict[str, float]:
    """Its latencies have four decimals."""
    program = shutil.which("hey")
    assert program, "hey is not on PATH"
    said = subprocess.run(  # noqa: S603 - found on PATH on purpose
        [program, "-z", f"{seconds:g}s", "-c", str(connections), url], capture_output=True, text=True, check=True
    ).stdout
    used = resource.getrusage(resource.RUSAGE_CHILDREN)

    def number(pattern: str) -> float:
        found = re.search(pattern, said)
        assert found, said
        return float(found[1])

    rate, total = number(r"Requests/sec:\s+([\d.]+)"), number(r"Total:\s+([\d.]+)")
    cpu = (used.ru_utime + used.ru_stime) / (rate * total)
    return {"rate": rate, "cpu": cpu, "p50": number(r"50%\S* in ([\d.]+)"), "p99": number(r"99%\S* in ([\d.]+)")}


def main(client: str, url: str, connections: int, seconds: float, core: str | None = None) -> None:
    pin(core)
    if client == "socket":
        found = ask_through_socket(url, seconds)
    elif client == "hey":
        found = ask_with_hey(url, connections, seconds)
    else:
        found = uvloop.run(ask_for_ever(client, url, connections, seconds))
    tell(found)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4]), *sys.argv[5:])
