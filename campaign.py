"""Several runs in a row that belong together: repeats of a scenario, two workloads in turns, an ablation.

Each has a folder of its own in the set's. One that cannot be made is noted, and the others go on.
"""

import shlex
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

from contract.ablation import ABLATION, CHANGED, EVERYTHING, without
from contract.errors import ReelbenchError, UsageError
from contract.runset import RUNS, SET, Member, SetInfo
from loadgen.scenario import Scenario, load


@dataclass(frozen=True, slots=True)
class Planned:
    """A run that is to be made; `label` is part of its folder's name."""

    label: str
    scenario: Scenario
    seed: int
    variant: str = ""

    @property
    def title(self) -> str:
        how = (
            " with the other settings"
            if self.variant == CHANGED
            else f" without {self.variant}"
            if self.variant
            else ""
        )
        return f"{self.scenario.name}{how}, seed {self.seed}"


Make = Callable[[Planned, Path], Awaitable[int]]
"""Makes a run in this folder, and answers its exit status."""


def derived_seeds(base: int, n: int) -> list[int]:
    """The base seed itself, and others that follow from it alone: the first of five are the same as of ten."""
    digests = (blake2b(f"{base}/{number}".encode(), digest_size=4).digest() for number in range(1, n))
    return [base, *(int.from_bytes(digest) >> 1 for digest in digests)]


def repeats(scenario: Scenario, base: int, n: int) -> list[Planned]:
    return [Planned(str(number), scenario, seed) for number, seed in enumerate(derived_seeds(base, n), start=1)]


def contrast(scenario: Scenario, base: int, n: int, settings: str) -> list[Planned]:
    """Each seed twice, as it is and with other settings, which of them first in turns: of an even number what a machine
    drifts by meanwhile falls out. `settings` are assignments as in an environment. Raises UsageError where they are
    none, or change nothing.
    """
    if scenario.load is None:
        raise UsageError(
            f"WITH goes with one load, and {scenario.name} has several: compare two of REPEAT, rung by rung."
        )
    changed = scenario.model_copy(update={"workload": {**scenario.workload, **_assigned(settings, scenario)}})
    if changed.settings() == scenario.settings():
        raise UsageError(f"{settings} changes nothing: what differs is to be compared.")
    plan = []
    for place, seed in enumerate(derived_seeds(base, n), start=1):
        both = [Planned(f"{place}", scenario, seed), Planned(f"{place}.{CHANGED}", changed, seed, CHANGED)]
        plan += both if place % 2 else both[::-1]
    return plan


def _assigned(settings: str, scenario: Scenario) -> dict[str, Any]:
    """`T2V_LLM_LATENCY__MEAN=0.33` as the workload's model takes it, all else as the scenario has it."""
    was = scenario.settings().model_dump()
    found: dict[str, Any] = {}
    try:
        assignments = shlex.split(settings)
    except ValueError as error:
        raise UsageError(f"{settings!r} cannot be read as settings: {error}.") from None
    for assignment in assignments:
        name, equals, value = assignment.partition("=")
        key, nested, inner = name.lower().removeprefix("t2v_").partition("__")
        group = was.get(key)
        fits = isinstance(group, dict) and inner in group if nested else key in was and not isinstance(group, dict)
        if not equals or not name.startswith("T2V_") or not fits:
            raise UsageError(
                f"{assignment!r} is no setting of the workload, as T2V_SLOTS=4 or T2V_LLM_LATENCY__MEAN=0.33 is."
            )
        found[key] = {**group, **found.get(key, {}), inner: value} if isinstance(group, dict) else value
    return found


def ablation(base: int, n: int) -> list[Planned]:
    """Every variant once per seed. From seed to seed the order begins elsewhere and turns round, so that a machine that
    drifts meets each of them in several places. Raises UsageError for fewer than two seeds.
    """
    if n < 2:
        raise UsageError("An ablation needs two seeds or more: one run of each variant shows no spread (REPEAT=4).")
    return [planned for place, seed in enumerate(derived_seeds(base, n)) for planned in _round(place, seed, n)]


def _round(place: int, seed: int, rounds: int) -> Iterator[Planned]:
    variants = [
        (name, variant)
        for name, parts in ABLATION.items()
        for variant in ("", *(one.name for one in parts), EVERYTHING)
    ]
    first = place * len(variants) // rounds
    order = variants[first:] + variants[:first]
    for name, variant in reversed(order) if place % 2 else order:
        scenario = load(name)
        off = {**scenario.workload, **without(name, variant)}
        label = f"{name.rpartition('-')[2]}.{variant or 'on'}.{place + 1}"
        yield Planned(label, scenario.model_copy(update={"workload": off}), seed, variant)


async def carry_out(
    info: SetInfo, plan: Sequence[Planned], folder: Path, make: Make, say: Callable[[str], None]
) -> int:
    """The highest exit status of the runs. `set.json` tells of those that were made, whatever ends the block."""
    statuses = [0]
    for number, planned in enumerate(plan, start=1):
        name = f"{folder.name}.{planned.label}"
        say(f"run {number} of {len(plan)}: {planned.title}")
        run = folder / RUNS / name
        run.mkdir(parents=True)
        member = Member(run=name, scenario=planned.scenario.name, seed=planned.seed, variant=planned.variant)
        try:
            statuses.append(await make(planned, run))
        except UsageError:
            raise
        except ReelbenchError as error:
            member.broken = str(error)
            statuses.append(error.exit_code)
            say(f"this run could not be made: {error}")
        info.members.append(member)
        info.ended = time.time()
        (folder / SET).write_text(info.model_dump_json(indent=1) + "\n", encoding="utf-8")
    return max(statuses)
