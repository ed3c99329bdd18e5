"""`python -m loadgen`: a load generator that another process leads.

It reads JSON lines from its standard input, a `Setup` and then a `Work` each, and tells what becomes of them in JSON
lines, a `Said` each. It ends with its standard input, which is when the leading process is gone.
"""

import asyncio
import sys

import uvloop

from contract.catalogue import LoadMetrics
from contract.exposition import ProcessRegistry, answering
from contract.limits import raise_open_files
from contract.runfolder import JobRecord
from loadgen.generator import Generator, Record
from loadgen.messages import LONGEST_LINE, Said, Setup, Work, line


async def main() -> None:
    reader, writer = await _pipes()
    setup = Setup.model_validate_json(await reader.readline())
    registry = ProcessRegistry()

    def say(said: Said) -> None:
        writer.write(line(said))

    def on_record(record: Record) -> None:
        say(Said(job=record) if isinstance(record, JobRecord) else Said(request=record))

    works: asyncio.Queue[Work] = asyncio.Queue()

    async def obey() -> None:
        async with Generator(setup, LoadMetrics(registry)) as generator:
            with answering(registry, setup.metrics_host, 0) as port:
                say(Said(metrics_port=port))
                while True:
                    say(Said(busy=await generator.carry_out(await works.get(), on_record)))

    async def listen() -> None:
        while heard := await reader.readline():
            works.put_nowait(Work.model_validate_json(heard))

    tasks = {asyncio.create_task(obey()), asyncio.create_task(listen())}
    done, running = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in running:
        task.cancel()
    await asyncio.wait(running)
    for task in done:
        task.result()


async def _pipes() -> tuple[asyncio.StreamReader, asyncio.WriteTransport]:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=LONGEST_LINE)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    writer, _ = await loop.connect_write_pipe(asyncio.Protocol, sys.stdout)
    return reader, writer


if __name__ == "__main__":
    raise_open_files()
    uvloop.run(main())
