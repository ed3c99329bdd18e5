"""What is needed to make the runs of a paper again, and to tell whether its files are still the same."""

import hashlib
import os
import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from contract.runset import SET, SetInfo, SetKind
from contract.settings import Workload
from reporter.runs import Run
from reporter.stamp import stamp

BESIDE = {"logs", "paper"}
"""Folders of a run whose files no figure rests on."""


def manifest(folder: Path, runs: Sequence[tuple[Path, Run]], paper: Path) -> dict[str, Any]:
    """`runs` with their folders below `folder`; paths are told from there."""
    return {
        "of": folder.name,
        "commands": commands(folder, [run for _, run in runs]),
        "runs": [_run(_from(folder, path), run) for path, run in runs],
        "documents": _sums(folder, folder.glob("*.md")),
        "evidence": _sums(folder, (file for path, _ in runs for file in _evidence(path))),
        "paper": _sums(folder, (file for file in paper.rglob("*") if file.name != "manifest.json")),
    }


def _from(folder: Path, path: Path) -> str:
    """What was compared lies beside the comparison."""
    return Path(os.path.relpath(path, folder)).as_posix()


def _run(path: str, run: Run) -> dict[str, Any]:
    found = stamp(run)
    return {
        "folder": path,
        "id": run.info.id,
        "scenario": run.info.scenario,
        "seed": run.info.seed,
        "stamp": found.word,
        "reasons": found.reasons,
        "verdict": run.result.verdict if run.result else None,
        "git_revision": run.info.git_revision,
        "git_dirty": run.info.git_dirty,
        "versions": run.info.versions,
        "machine": run.info.machine,
        "document": run.info.document.model_dump(),
        "workload": run.info.workload,
        "settings": settings(run),
    }


def commands(folder: Path, runs: Iterable[Run]) -> list[str]:
    """That make the runs again, as far as files tell: a document of the user's own has to be named as well."""
    told = _set(folder)
    if told is None:
        return list(dict.fromkeys(map(_command, runs)))
    if told.kind is SetKind.CONTRAST:
        other = shlex.quote(told.changed)
        return [f"make scenario NAME={told.name} SEED={told.seed} REPEAT={told.repeats} WITH={other}"]
    if told.kind is SetKind.ABLATION:
        return [f"make ablation SEED={told.seed} REPEAT={told.repeats}"]
    changed = dict.fromkeys(settings(run) for run in runs)
    return [f"{one} make scenario NAME={told.name} SEED={told.seed} REPEAT={told.repeats}".lstrip() for one in changed]


def _set(folder: Path) -> SetInfo | None:
    return SetInfo.model_validate_json((folder / SET).read_bytes()) if (folder / SET).exists() else None


def _command(run: Run) -> str:
    info = run.info
    jobs = f" JOBS={count}" if (count := _jobs(run)) else ""
    generators = f" GENERATORS={info.generators}" if info.generators > 1 else ""
    target = f" TARGET=<its API> PROMETHEUS={shlex.quote(info.prometheus_url)}" if info.foreign else ""
    return f"{settings(run)} make scenario NAME={info.scenario} SEED={info.seed}{jobs}{generators}{target}".lstrip()


def _jobs(run: Run) -> int:
    """What JOBS has to be for the same number of jobs; 0 where it has to be left out.

    It sets the jobs of every rung, so where all have as many it may have been used, and does no harm where it was not;
    but a search, whose rungs all have rates, takes no JOBS.
    """
    counts = {part.info.jobs for part in run.parts}
    searched = bool(run.rungs) and all(rung.info.rate is not None for rung in run.rungs)
    return counts.pop() if len(counts) == 1 and not searched and run.info.rung is None else 0


def settings(run: Run) -> str:
    """What differs from the default workload, as assignments before a command; a scenario may set the same itself."""
    try:
        environment = Workload.model_validate(run.info.workload).environment()
    except ValidationError:  # of another version, which knew other settings
        return ""
    names = (f"T2V_{name.upper()}" for name in run.info.workload_changed)
    return " ".join(f"{name}={shlex.quote(environment[name])}" for name in names if name in environment)


def _evidence(folder: Path) -> Iterable[Path]:
    """All that the run kept but its video and its logs."""
    found = (file for pattern in ("*.json*", "*.txt") for file in folder.rglob(pattern))
    return (file for file in found if BESIDE.isdisjoint(file.relative_to(folder).parts))


def _sums(folder: Path, files: Iterable[Path]) -> dict[str, str]:
    return {
        _from(folder, file): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(set(files))
        if file.is_file()
    }
