"""What each optimisation gains: `ablation.md`, from runs with all of them against runs without one."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from contract.ablation import ABLATION, EVERYTHING, FAULTY, without, worse
from contract.runset import SetInfo
from reporter.markdown import NO_DATA, bullets, document, table
from reporter.statistics import CONFIDENCE
from reporter.study import words
from reporter.study.comparison import Comparison, Row, Word, compare
from reporter.study.comparison_report import PAIRED
from reporter.study.inference import holm
from reporter.study.measures import Better
from reporter.study.sets import RunSet, differences, of_members, read_set

ABLATION_REPORT = "ablation.md"
SHOWN = ("response_mean", "response_p95", "throughput", "success_rate", "cost")
HEADERS = ("Without", "Pairs", "Response, mean", "Response, P95", "Throughput", "Success", "Cost of 1,000")
METHOD = (
    "Each scenario ran with everything on and with one optimisation off after another, and with all of them off: all "
    "variants with the same seeds, in an order that is another one, and turned round, for each seed, so that a machine "
    "that grows slower or quicker meets each in several places. Each run has a stack of its own. An effect is the "
    "ratio *without / with everything on* and its 95 % interval (for success, the difference in percentage points). "
    "{paired} "
    "The sample is the pair of runs: Student's t by leaving out one pair at a time (jackknife). A figure in bold is "
    "different at 95 % confidence; each column was judged as one test per row, without a correction for the number of "
    "rows. What helps against faults is measured where there are faults, all else where there are none."
)


@dataclass(frozen=True, slots=True)
class Effect:
    """A variant against everything on; `comparison` None where runs are missing, and then `why`."""

    scenario: str
    variant: str
    comparison: Comparison | None
    why: str = ""

    @property
    def title(self) -> str:
        if self.variant == EVERYTHING:
            return "all of these"
        return next(one.title for one in ABLATION[self.scenario] if one.name == self.variant)


def effects(folder: Path) -> list[Effect]:
    """Raises UsageError where the folder is no set's."""
    info = read_set(folder)
    return [
        _effect(folder, info, scenario, variant)
        for scenario, parts in ABLATION.items()
        for variant in (*(one.name for one in parts), EVERYTHING)
    ]


def _effect(folder: Path, info: SetInfo, scenario: str, variant: str) -> Effect:
    on, off = (_variant(folder, info, scenario, name) for name in ("", variant))
    for side in (on, off):
        if not side.runs:
            return Effect(scenario, variant, None, " ".join([f"{side.name}: no run may be used.", *side.left_out]))
    if unlike := differences([*on.runs, *off.runs], but=[*without(scenario, variant)]):
        return Effect(scenario, variant, None, "; ".join(unlike))
    return Effect(scenario, variant, compare(on, off, confidence=CONFIDENCE))


def _variant(folder: Path, info: SetInfo, scenario: str, variant: str) -> RunSet:
    members = [one for one in info.members if (one.scenario, one.variant) == (scenario, variant)]
    name = f"{scenario} without {variant}" if variant else scenario
    return of_members(RunSet(name, []), folder, members)


@dataclass(frozen=True, slots=True)
class Expectation:
    """That a figure is worse in a variant; `p` as it counts among all expectations."""

    effect: Effect
    row: Row
    p: float | None

    @property
    def says(self) -> str:
        if self.row.difference is None or self.p is None:
            return NO_DATA
        if self.p < 1 - CONFIDENCE:
            return "as theory says" if self.is_worse else "**against theory**"
        return "not shown"

    @property
    def is_worse(self) -> bool:
        assert self.row.difference is not None
        return (self.row.difference.value > 0) is (self.row.measure.better is Better.LOWER)


def expectations(found: Sequence[Effect]) -> list[Expectation]:
    """What theory says of each variant, against what was measured."""
    rows = [
        (effect, effect.comparison.row(name))
        for effect in found
        if effect.comparison
        for name in worse(effect.scenario, effect.variant)
    ]
    ps = [None if row.difference is None else row.difference.p for _, row in rows]
    adjusted = iter(holm([p for p in ps if p is not None]))
    return [
        Expectation(effect, row, None if p is None else next(adjusted))
        for (effect, row), p in zip(rows, ps, strict=True)
    ]


def write_ablation(folder: Path) -> Path:
    """`ablation.md` in the set's folder, and its figure in `figures/` there. Raises UsageError where it is no set's."""
    info, found = read_set(folder), effects(folder)
    picture = _drawn(found, folder / "figures" / "ablation.svg")
    path = folder / ABLATION_REPORT
    path.write_text(ablation_text(info, found, f"figures/{picture.name}" if picture else None), encoding="utf-8")
    return path


def ablation_text(info: SetInfo, found: Sequence[Effect], picture: str | None) -> str:
    theory = expectations(found)
    blocks = [headline(info, found), table(HEADERS, [_cells(effect) for effect in found], "lrrrrrr")]
    if picture:
        blocks.append(f"![Without an optimisation, relative to everything on]({picture})")
    told = ("Without", "Figure that theory has worse", "With everything on", "Without", "Difference", "p", "Found")
    sections = [
        ("", blocks),
        ("Theory and measurement", [table(told, [_theory(one) for one in theory], "llrrrrl")]),
        ("Runs", [_left_out(found)]),
        ("Method", [METHOD.format(paired=PAIRED)]),
    ]
    return document("Ablation: what each optimisation gains", sections)


def headline(info: SetInfo, found: Sequence[Effect]) -> str:
    theory = expectations(found)
    predicted = sum(len(worse(effect.scenario, effect.variant)) for effect in found)
    shown = sum(one.says == "as theory says" for one in theory)
    unknown = predicted - sum(one.p is not None for one in theory)
    against = [f"{one.row.measure.title} without {one.effect.title}" for one in theory if "against" in one.says]
    more = f"; **against theory: {', '.join(against)}**" if against else "; none that was measured is against it"
    more += f"; {unknown} were not measured" if unknown else ""
    made = sum(member.broken is None for member in info.members)
    return (
        f"{made} runs, base seed {info.seed}, {info.repeats} seeds in all. Of {predicted} effects that theory "
        f"predicts, {shown} are shown{more}."
    )


def _cells(effect: Effect) -> tuple[str, ...]:
    name = f"{effect.title} (`{effect.scenario}`)"
    if effect.comparison is None:
        return name, "0", *(NO_DATA,) * len(SHOWN)
    rows = [effect.comparison.row(one) for one in SHOWN]
    return name, str(effect.comparison.pairs), *map(_cell, rows)


def _cell(row: Row) -> str:
    if row.difference is None:
        return NO_DATA
    told = words.difference(row.measure, row.difference) if row.measure.unit == "ratio" else words.ratio(row)
    return f"**{told}**" if row.difference.p < 1 - CONFIDENCE else told


def _theory(one: Expectation) -> tuple[str, ...]:
    measure = one.row.measure
    return (
        one.effect.title if one.effect.variant != EVERYTHING else f"all of `{one.effect.scenario}`",
        measure.title,
        words.amount(measure, one.row.a),
        words.amount(measure, one.row.b),
        words.difference(measure, one.row.difference),
        words.probability(one.p),
        one.says,
    )


def _left_out(found: Sequence[Effect]) -> str:
    sides = [side for effect in found if effect.comparison for side in (effect.comparison.a, effect.comparison.b)]
    lines = [f"{effect.title}: {effect.why}" for effect in found if effect.why]
    lines += [line for side in sides for line in side.left_out]
    return bullets(list(dict.fromkeys(lines))) if lines else "Every run that was begun is in the figures."


def _drawn(found: Sequence[Effect], path: Path) -> Path | None:
    from reporter.figures.effects import relative  # noqa: PLC0415 - matplotlib takes a second

    rows = []
    for effect in found:
        name = "success_rate" if effect.scenario == FAULTY else "response_mean"
        row = effect.comparison.row(name) if effect.comparison else None
        if row is not None and (interval := row.ratio_interval()) is not None:
            rows.append((f"without {effect.title}: {row.measure.title}", interval, _colour(row)))
    return relative(rows, path, "without / with everything on")


def _colour(row: Row) -> str:
    if row.difference is None or row.difference.p >= 1 - CONFIDENCE:
        return Word.NO_DIFFERENCE
    return Word.WORSE if (row.difference.value > 0) is (row.measure.better is Better.LOWER) else Word.BETTER
