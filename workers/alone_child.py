"""The process of one suspected job: `python -m workers.alone_child`.

A claim comes in as a line of JSON; lines go out: `{}` when the work begins, `{stage, progress}`, at last `{ending}`
with what it counted. It ends when its worker is gone.
"""

import asyncio
import logging
import os
import signal
import sys
from typing import Any

import orjson
import uvloop
from prometheus_client import CollectorRegistry

from contract.catalogue import WorkerMetrics
from contract.jobs import Stage
from contract.settings import Deployment, Workload
from workers.alone import CLAIM, ENDING, LONGEST_LINE
from workers.providers.connections import carried
from workers.render import render_video
from workers.tools import open_tools


def _say(what: dict[str, Any]) -> None:
    sys.stdout.buffer.write(orjson.dumps(what) + b"\n")
    sys.stdout.buffer.flush()


async def _report(stage: Stage, progress: int) -> None:
    _say({"stage": stage, "progress": progress})


async def _die_with(worker: asyncio.StreamReader) -> None:
    await worker.read()
    os._exit(1)


async def main(deployment: Deployment, workload: Workload) -> None:
    reader = asyncio.StreamReader(limit=LONGEST_LINE)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    claim = CLAIM.validate_json(await reader.readline())
    orphaned = asyncio.create_task(_die_with(reader))
    metrics = WorkerMetrics(CollectorRegistry())
    async with open_tools(deployment, workload, metrics, sandboxes=1) as tools:
        _say({})
        ending = await render_video(tools, claim, _report)
        traffic = {"wire_bytes": carried(metrics.wire_bytes), "connections": carried(metrics.connections)}
        _say({"ending": ENDING.dump_python(ending, mode="json"), **traffic})
    orphaned.cancel()


if __name__ == "__main__":
    for ignored in (signal.SIGINT, signal.SIGTERM):  # meant for the worker, which decides what becomes of the job
        signal.signal(ignored, signal.SIG_IGN)
    settings = Deployment()
    logging.basicConfig(level=settings.log_level, format="%(asctime)s %(levelname)s alone %(name)s %(message)s")
    uvloop.run(main(settings, Workload()))
