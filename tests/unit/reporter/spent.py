"""Folders of runs that tell their traffic, memory and usage, too."""

import random

from tests.unit.reporter.folders import END, START, Folder, single

JOBS = 60
PROVIDERS = ("llm", "tts", "visual")
WALL = 50.0
"""Seconds from the first due time to the last end."""


def spent(jobs: int = JOBS, seed: int = 7) -> Folder:
    """As `single`, per job: 11 calls of which none opened a connection, 6,000 tokens in and 400 out, 500 characters, 5
    pictures, 2,000 bytes on the wire to each provider; and 0.35 GB of memory.
    """
    folder = single(jobs, seed)
    measured = [job for job in folder.jobs if job["phase"] == "measure"]
    for job in measured:
        job["due"], job["held"] = START, START + WALL
    for provider in PROVIDERS:
        folder.count("call.wire", 2_000 * jobs, provider=provider, direction="sent")
        folder.count("call.wire", 15_000 * jobs, provider=provider, direction="received")
        folder.count("call.connections", 2, provider=provider, event="opened")
        folder.count("call.connections", 5 * jobs - 2, provider=provider, event="reused")
        folder.count("call.usage_untold", 0, provider=provider)
    for provider, unit, amount in (
        ("llm", "input_tokens", 6_000),
        ("llm", "output_tokens", 400),
        ("tts", "characters", 500),
        ("visual", "images", 5),
    ):
        folder.count("call.usage", amount * jobs, provider=provider, unit=unit)
    for process, held in (("service", 5e7), ("worker", 25e7), ("exporter", 5e7), ("mocks", 9e7), ("loadgen", 9e7)):
        folder.count("memory.held", held, job=process)
    return folder


def pooling(extra: float = 4.0, noise: float = 1.0, blocks: int = 4, seed: int = 1) -> Folder:
    """Blocks with pooling and without, whose jobs take `extra` ms longer without, give or take `noise` ms."""
    rng = random.Random(seed)
    run = single(0)
    run.info |= {"scenario": "pooling", "load_model": "rungs", "window": {"start": START, "end": END}}
    run.result["scenario"] = "pooling"
    for place, kept in enumerate((True, False, False, True) * (blocks // 2)):
        block = spent(20)
        block.info |= {"scenario": "pooling", "rung": f"block-{place}"}
        block.info["workload"] = block.info["workload"] | {"pooling": kept}
        block.info["window"] = {"start": START + 100 * place, "end": END + 100 * place}
        for job in block.jobs:
            job["response_seconds"] += (0.0 if kept else extra / 1000) + rng.gauss(0, noise / 1000)
        if not kept:
            block.answers["call.connections"] = [
                {"labels": {"provider": provider, "event": event}, "value": amount}
                for provider in PROVIDERS
                for event, amount in (("opened", 20 * (1 if provider == "llm" else 5)), ("reused", 0))
            ]
        run.rungs[f"block-{place}"] = block
    return run
