"""Runs that are compared as one: which of them may be used, and what makes two of them unlike."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from pydantic import ValidationError

from contract.errors import UsageError
from contract.runfolder import RUN
from contract.runset import RUNS, SET, Member, SetInfo
from reporter.runs import Run
from reporter.stamp import stamp, usable

MACHINE = ("cpu_model", "cores", "memory_bytes", "kernel", "system")
ROUND = 2**26
"""Bytes by which two machines' memory may differ and be the same: the kernel keeps a little more or less for itself."""


@dataclass(frozen=True, slots=True)
class RunSet:
    """`runs` may be quoted; `left_out` says which others there were, and why not."""

    name: str
    runs: Sequence[Run]
    left_out: Sequence[str] = field(default=())

    @property
    def seeds(self) -> list[int]:
        return [run.info.seed for run in self.runs]


def read_set(folder: Path) -> SetInfo:
    """Raises UsageError where the folder holds no set."""
    try:
        return SetInfo.model_validate_json((folder / SET).read_bytes())
    except OSError as error:
        raise UsageError(f"{folder / SET} cannot be read ({error.strerror}): is this a set of runs?") from None
    except ValidationError as error:
        raise UsageError(f"{folder / SET} is not as a set of runs has it: {error}") from None


def run_set(name: str, folders: Sequence[Path], rung: str | None = None) -> RunSet:
    """The runs in these folders, each a run's or a set's; of runs of several rungs, that one.

    Raises UsageError where a folder is neither, or holds runs of several kinds.
    """
    found = RunSet(name, [])
    for folder in folders:
        if not (folder / SET).exists():
            found = _with(found, folder, rung)
            continue
        info = read_set(folder)
        if len({(member.scenario, member.variant) for member in info.members}) > 1:
            raise UsageError(f"{folder.name} holds runs of several kinds: name those that are meant, one by one.")
        found = of_members(found, folder, info.members, rung)
    return found


def of_members(found: RunSet, folder: Path, members: Sequence[Member], rung: str | None = None) -> RunSet:
    """`found` with these members of the set in `folder`."""
    for member in members:
        if member.broken is None and not (folder / RUNS / member.run / RUN).exists():
            why = f"{member.run} (seed {member.seed}) is not there any more"
            found = replace(found, left_out=[*found.left_out, why])
        elif member.broken is None:
            found = _with(found, folder / RUNS / member.run, rung)
        else:
            why = f"{member.run} (seed {member.seed}) could not be made: {member.broken}"
            found = replace(found, left_out=[*found.left_out, why])
    return found


def _with(found: RunSet, folder: Path, rung: str | None) -> RunSet:
    run = _part(Run.load(folder), rung)
    if usable(run):
        return replace(found, runs=[*found.runs, run])
    why = f"{folder.name} (seed {run.info.seed}) is INVALID: {'; '.join(stamp(run).reasons)}"
    return replace(found, left_out=[*found.left_out, why])


def _part(run: Run, rung: str | None) -> Run:
    names = [part.info.rung for part in run.rungs if part.info.rung]
    if rung is None and not names:
        return run
    found = next((part for part in run.rungs if part.info.rung == rung), None)
    if found is None:
        there = f"it has {', '.join(names)}" if names else "it has none"
        raise UsageError(f"Say which rung of {run.info.id} is meant (RUNG=…): {there}.")
    return found


def differences(runs: Sequence[Run], but: Sequence[str] = ()) -> list[str]:
    """What these runs were asked to do, or were made on, unlike the first one; a sentence each.

    `but` names settings of the workload that are meant to differ.
    """
    found = dict.fromkeys(line for run in runs[1:] for line in _unlike(runs[0], run, frozenset(but)))
    return list(found)


def _unlike(one: Run, other: Run, but: frozenset[str]) -> Iterator[str]:
    a, b = one.info, other.info
    yield from _if_unlike("scenario", a.scenario, b.scenario)
    yield from _if_unlike("rung", a.rung, b.rung)
    yield from _if_unlike("load", one.load_text, other.load_text)
    yield from _if_unlike("load model", a.load_model, b.load_model)
    yield from _if_unlike("jobs", a.jobs, b.jobs)
    yield from _if_unlike("document (SHA-256)", a.document.sha256, b.document.sha256)
    yield from _if_unlike("faults of providers", a.provider_faults, b.provider_faults)
    yield from _if_unlike("scrape interval", a.scrape_interval, b.scrape_interval)
    yield from _if_unlike("somebody else's target", a.foreign, b.foreign)
    for name in sorted({*a.workload, *b.workload} - but):
        yield from _if_unlike(f"workload, {name}", a.workload.get(name), b.workload.get(name))
    for name in MACHINE:
        yield from _if_unlike(f"machine, {name}", _rounded(a.machine.get(name)), _rounded(b.machine.get(name)))


def _if_unlike(what: str, one: object, other: object) -> Iterator[str]:
    if one != other:
        yield f"{what}: {one} and {other}"


def _rounded(value: object) -> object:
    return round(value / ROUND) * ROUND if isinstance(value, int) and value > ROUND else value
