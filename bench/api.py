"""`GET /v1/videos/{id}` of the service against FastAPI with the same bytes and nothing behind the route."""

import asyncio
from dataclasses import dataclass

import psutil
from rich.table import Table

from bench.load_generator import Figures, requester
from bench.rig import READY_BOUND, Rig, program
from bench.tables import ratio, spread, table
from loadgen.client import Client, Form
from loadgen.document import default_document
from stack.local import LocalStack
from stack.places import ROOT
from stack.ports import PortChooser
from stack.protocol import Stack
from stack.readiness import answers, asker

CONNECTIONS = 10
OURS, BARE = "GET /v1/videos/{id}", "bare FastAPI route, same bytes"
WARM = 0.1
"""Share of a measurement's length for which the requester warms up; it asks as fast then."""


@dataclass(frozen=True, slots=True)
class Size:
    seconds: float = 1.0
    """Of each measurement."""
    repetitions: int = 3


async def run(rig: Rig, size: Size) -> list[Table]:
    async with LocalStack(rig.folder, on_step=lambda line: rig.say(f"api: {line}")) as stack:
        return await measure(rig, size, stack)


async def measure(rig: Rig, size: Size, stack: Stack) -> list[Table]:
    """Submits one job to the stack and asks for it once it has ended."""
    document = default_document(ROOT)
    async with Client(stack.api_url) as client:
        job = await client.end_of((await client.submit(Form.of(document), {"seed_key": "bench"})).id)
        path = f"/v1/videos/{job.id}"
        content = await client.get(path)
    body = rig.folder / "job.json"
    body.write_bytes(content)
    port = PortChooser().choose()
    async with program(rig, "bare_route", str(port), str(body)) as bare:
        bare_url = f"http://127.0.0.1:{port}"
        async with asker() as session, asyncio.timeout(READY_BOUND):
            while not await answers(bare_url + path, session):  # noqa: ASYNC110 - another process's state
                await asyncio.sleep(0.02)
        service = stack.processes["service-1"]
        asked = {
            OURS: (stack.api_url + path, service),
            BARE: (bare_url + path, bare.pid),
        }
        found = {name: (Figures(), Figures(), list[float]()) for name in asked}
        for repetition in range(size.repetitions):
            rig.say(f"api: {repetition + 1} of {size.repetitions}")
            for name, (url, pid) in asked.items():
                many, one, server_cpu = found[name]
                before = _cpu(pid)
                many.add(await _ask(rig, url, CONNECTIONS, size.seconds))
                server_cpu.append((_cpu(pid) - before) / (many.rate[-1] * size.seconds * (1 + WARM)) * 1e6)
                one.add(await _ask(rig, url, 1, size.seconds))
    rows = [
        [name, spread(many.rate), ratio(many.rate, found[BARE][0].rate), spread(many.p50), spread(one.p50), spread(cpu)]
        for name, (many, one, cpu) in found.items()
    ]
    return [
        table(
            f"API: one process, {len(content):,} bytes of JSON",
            [
                "",
                f"requests/s at {CONNECTIONS}",
                "it : bare",
                f"P50 at {CONNECTIONS} (µs)",
                "P50 at 1 (µs)",
                "server CPU (µs/request)",
            ],
            rows,
            f"Asked by loadgen.wire; the service reads Redis, checks, counts. {size.seconds:g} s each; median of "
            f"{size.repetitions} (lowest–highest).",
        )
    ]


async def _ask(rig: Rig, url: str, connections: int, seconds: float) -> str:
    async with requester(rig, "wire", url, connections, seconds) as asking:
        return await asking.read()


def _cpu(pid: int) -> float:
    """Seconds so far."""
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)
