"""Which runs a report is about: of each scenario the newest."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from contract.runfolder import (
    FAULTS,
    JOBS,
    PROCESS_FAULTS,
    QUERIES,
    REQUESTS,
    RESULT,
    RUN,
    RUNGS,
    Result,
    RunInfo,
    Verdict,
)
from contract.suites import ABOUT_RESOURCES, RELIABILITY
from reporter.runs import SEVERAL, Run

Model = TypeVar("Model", bound=BaseModel)


def newest_by_scenario(runs: Sequence[Run]) -> dict[str, Run]:
    """One run per scenario, in the order given: the one that ended last, and of equals the last one given."""
    chosen: dict[str, Run] = {}
    for run in runs:
        known = chosen.get(run.info.scenario)
        if known is None or run.ended >= known.ended:
            chosen[run.info.scenario] = run
    return chosen


def in_order(runs: Sequence[Run], scenarios: Sequence[str]) -> dict[str, Run]:
    """One run per scenario, those of `scenarios` first."""
    found = newest_by_scenario(runs)
    known = [*(name for name in scenarios if name in found), *(name for name in found if name not in scenarios)]
    return {name: found[name] for name in known}


def newest_valid_runs(runs_dir: Path) -> dict[str, Path]:
    """The folder of the newest run of each scenario that is complete and not INVALID.

    What is no whole run (broken off, unreadable, a link such as `latest`) is passed over; no folder at all has none.
    What is measured while processes die, providers fail or clients cancel is not performance, and passed over too, as
    are the scenarios of the other reports.
    """
    return _newest(
        runs_dir, lambda folder, info: not (_about_reliability(folder, info) or info.scenario in ABOUT_RESOURCES)
    )


def newest_reliability_runs(runs_dir: Path) -> dict[str, Path]:
    """Likewise, of the scenarios that a reliability report is about and of all others in which anything failed."""
    return _newest(runs_dir, _about_reliability)


def newest_resources_runs(runs_dir: Path) -> dict[str, Path]:
    """Likewise, of the scenarios that a resources report is about."""
    return _newest(runs_dir, lambda _, info: info.scenario in ABOUT_RESOURCES)


def _newest(runs_dir: Path, wanted: Callable[[Path, RunInfo], bool]) -> dict[str, Path]:
    newest: dict[str, tuple[float, Path]] = {}
    for folder in sorted(runs_dir.glob("*")):
        info = _complete(folder)
        if info is None or info.window is None or not wanted(folder, info):
            continue
        known = newest.get(info.scenario)
        if known is None or info.window.end >= known[0]:
            newest[info.scenario] = (info.window.end, folder)
    return {scenario: folder for scenario, (_, folder) in sorted(newest.items())}


def _complete(folder: Path) -> RunInfo | None:
    """None unless each file of the run is there and its verdict lets it be used; the rungs likewise."""
    if folder.is_symlink() or not (folder / QUERIES).is_file():
        return None
    if not (folder / JOBS).is_file() and not (folder / REQUESTS).is_file():
        return None
    info, result = _read(RunInfo, folder / RUN), _read(Result, folder / RESULT)
    if info is None or result is None or result.verdict is Verdict.INVALID:
        return None
    rungs = [rung for rung in (folder / RUNGS).glob("*") if rung.is_dir()]
    if info.load_model == SEVERAL and not rungs:
        return None
    return info if all(_complete(rung) is not None for rung in rungs) else None


def _about_reliability(folder: Path, info: RunInfo) -> bool:
    """The clock of the faults runs where clients cancel jobs, too."""
    met_faults = info.faults_start is not None or any((folder / name).exists() for name in (FAULTS, PROCESS_FAULTS))
    return met_faults or info.scenario in RELIABILITY


def _read(model: type[Model], path: Path) -> Model | None:
    try:
        return model.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None
