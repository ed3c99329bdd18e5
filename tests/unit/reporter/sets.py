"""Sets of runs made by hand."""

import random
from collections.abc import Iterable
from pathlib import Path

from contract.runset import RUNS, SET, Member, SetInfo, SetKind
from tests.unit.reporter.folders import START, Folder
from tests.unit.reporter.spent import spent

DRIFT = 0.004
"""Seconds by which runs differ as wholes: standard deviation."""


def repeat(seed: int, take: int, jobs: int = 60, slower: float = 0.0) -> Folder:
    """A run of that seed: the same planned latencies in each of its `take`s, a moment of its own, and a stage of the
    LLM that is longer by the share `slower`.
    """
    folder = spent(jobs, seed)
    moment = random.Random(f"{seed}/{take}").gauss(0, DRIFT)
    folder.info |= {"id": f"run-{seed}-{take}", "seed": seed}
    folder.info["window"] = {"start": START + 100 * take, "end": START + 100 * take + 60}
    for job in folder.jobs:
        job["seed_key"] = f"{seed}/measure/{job['index']}"
        script = next(stage for stage in job["timings"]["stages"] if stage["stage"] == "script")
        longer = slower * script["seconds"]
        script["seconds"] += longer
        job["response_seconds"] += longer + moment
        job["finished"] += longer + moment
    return folder


def write_runs(into: Path, folders: Iterable[Folder]) -> list[Path]:
    return [folder.write(into / str(folder.info["id"])) for folder in folders]


def write_set(into: Path, kind: SetKind, members: Iterable[tuple[Member, Folder | None]], repeats: int) -> Path:
    """Without a folder a member could not be made."""
    told = []
    for member, folder in members:
        told.append(member)
        if folder is not None:
            folder.write(into / RUNS / member.run)
    info = SetInfo(
        id=into.name, kind=kind, name="single", title="One job after another", seed=1, repeats=repeats, started=START,
        changed="T2V_X=1" if kind is SetKind.CONTRAST else "", members=told,
    )  # fmt: skip
    into.mkdir(parents=True, exist_ok=True)
    (into / SET).write_text(info.model_dump_json())
    return into
