"""The load generator's HTTP against other clients, each on one core, a very fast server on another."""

import os
import shutil
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field

import orjson
from rich.table import Table

from bench.rig import Program, Rig, install_peers, peers_python, program
from bench.tables import ratio, spread, table

PATH = "/v1/videos/video_0123456789abcdef0123456789ab"
CLIENTS = ("wire", "aiohttp", "httpx", "locust", "hey")
TITLES = {
    "wire": "Reelbench (loadgen.wire)",
    "locust": "Locust (FastHttpUser)",
    "socket": "a bare blocking socket",
}
CONNECTIONS = 50


@dataclass(frozen=True, slots=True)
class Size:
    seconds: float = 1.0
    """Of each measurement."""
    repetitions: int = 3


@dataclass(slots=True)
class Figures:
    """One value per repetition: requests/s, CPU and latencies in µs."""

    rate: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    p50: list[float] = field(default_factory=list)
    p99: list[float] = field(default_factory=list)

    def add(self, answer: str) -> None:
        said = orjson.loads(answer)
        self.rate.append(said["rate"])
        for name in ("cpu", "p50", "p99"):
            getattr(self, name).append(said[name] * 1e6)


async def run(rig: Rig, size: Size, wanted: tuple[str, ...] = CLIENTS) -> list[Table]:
    clients = [client for client in wanted if client != "hey" or shutil.which("hey")]
    if len(clients) < len(wanted):
        rig.say("loadgen: hey is not on PATH and is left out (Debian's package is called hey)")
    if "locust" in clients:
        await install_peers(rig)
    first, *others = sorted(os.sched_getaffinity(0))
    many = {client: Figures() for client in clients}
    one = {client: Figures() for client in ("socket", *clients)}
    async with program(rig, "responder", str(others[0] if others else first)) as responder:
        url = f"http://127.0.0.1:{await responder.read()}{PATH}"
        for repetition in range(size.repetitions):
            for found, connections in ((many, CONNECTIONS), (one, 1)):
                rig.say(f"loadgen: {connections} connections, {repetition + 1} of {size.repetitions}")
                for client, figures in found.items():
                    async with requester(rig, client, url, connections, size.seconds, first) as asking:
                        figures.add(await asking.read())
    return [_rates(many, size), _latencies(one, size)]


def requester(
    rig: Rig, client: str, url: str, connections: int, seconds: float, core: int | None = None
) -> AbstractAsyncContextManager[Program]:
    """Asks `url` without pause on so many connections; its one line is for Figures. The peers must be installed."""
    args = (url, str(connections), f"{seconds:g}", *([] if core is None else [str(core)]))
    if client != "locust":
        return program(rig, "requester", client, *args)
    python = peers_python()
    assert python, "install_peers comes first"
    return program(rig, "requester_locust", *args, python=python)


def _rates(found: dict[str, Figures], size: Size) -> Table:
    rows = [
        [TITLES.get(name, name), spread(f.rate), ratio(found["wire"].rate, f.rate), spread(f.cpu), spread(f.p50)]
        for name, f in found.items()
    ]
    return table(
        f"Load generator: {CONNECTIONS} connections, one core",
        ["", "requests/s", "Reelbench : it", "client CPU (µs/request)", "P50 (µs)"],
        rows,
        f"The server has another core. A Locust of one process has {CONNECTIONS} users without wait. "
        f"{size.seconds:g} s each; median of {size.repetitions} (lowest–highest).",
    )


def _latencies(found: dict[str, Figures], size: Size) -> Table:
    bare = found["socket"]

    def added(values: list[float], least: list[float]) -> str:
        return spread([value - floor for value, floor in zip(values, least, strict=True)])

    rows = [
        [TITLES.get(name, name), spread(f.p50), spread(f.p99), added(f.p50, bare.p50), added(f.p99, bare.p99)]
        for name, f in found.items()
    ]
    return table(
        "Load generator: latency on 1 connection, and what the client adds to it",
        ["", "P50 (µs)", "P99 (µs)", "added, P50 (µs)", "added, P99 (µs)"],
        rows,
        f"Added: beyond the bare socket of the same repetition. hey tells tenths of a millisecond; Locust's own "
        f"statistics tell whole ones, so its figures are those of its request event, which does not round. "
        f"{size.seconds:g} s each; median of {size.repetitions} (lowest–highest).",
    )
