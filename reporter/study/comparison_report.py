"""Two sets of runs side by side: `comparison.md`, its figure, and the same for the terminal."""

import json
import os
from collections.abc import Sequence
from pathlib import Path

from contract.ablation import CHANGED
from reporter.markdown import NONE, bullets, document, table
from reporter.study import words
from reporter.study.comparison import Comparison, Row, Word, compare
from reporter.study.sets import RunSet, differences, of_members, read_set

COMPARISON = "comparison.md"
COMPARED = "comparison.json"
"""What was compared: the folders of both sides, as seen from the comparison's."""
METHOD = (
    "A run is the unit of the sample: its jobs share its processes and its moment. Figures are of all jobs of a set "
    "together; percentiles are pooled, never averaged. {pairing} Intervals are Student's t over {units}, by leaving "
    "out one at a time (jackknife), which for a mean is the ordinary t interval; for the ratio, of its logarithm. *B "
    "is* says what is shown at {confidence} confidence: for the figure that decides by its own p, for the others by "
    "Holm's correction over all of them, so that two equal sets seldom look different in any of them. "
    "Cliff's δ is how much more often a job of B takes longer than one of A, from −1 to 1. No difference *shown* is "
    "not shown to be none: the interval says how large it may be."
)
PAIRED = (
    "Runs of the same seed are partners, and so are their jobs of the same number, which met the same planned "
    "latencies; only jobs that were done in both count in their times."
)
ALONE = (
    "No seeds are shared, so runs have no partners (Welch's t), and each side's times are of its own jobs that were "
    "done: one that loses its slow jobs looks quicker."
)


def comparison_text(found: Comparison, unlike: Sequence[str], picture: str | None) -> str:
    """`unlike` is what differs between the runs although it was allowed to; `picture` where the figure is."""
    sure = f"{100 * found.confidence:g} %"
    headers = ("Figure", "A", "B", f"B − A ({sure} interval)", f"B / A ({sure} interval)", "Cliff's δ", "p", "B is")
    blocks = [headline(found), table(headers, [_cells(row, found.confidence) for row in found.rows], "lrrrrrrl")]
    if picture:
        blocks.append(f"![B relative to A, with {sure} intervals]({picture})")
    sections = [
        ("", blocks),
        ("Runs", [_runs("A", found.a), _runs("B", found.b), *_unlike(found, unlike)]),
        ("Method", [method(found)]),
    ]
    return document(f"Comparison: {found.a.name} and {found.b.name}", sections)


def headline(found: Comparison) -> str:
    """The verdict in a sentence."""
    row, n = found.verdict, found.pairs or min(len(found.a.runs), len(found.b.runs))
    what = f"B, {found.b.name}, against A, {found.a.name}"
    if row.word is Word.UNDECIDED:
        return f"{what}: **undecided** by {row.measure.title}: {_why_undecided(found, row)}"
    sample = f"{n} pairs of runs" if found.pairs else f"{len(found.a.runs)} and {len(found.b.runs)} runs"
    sure = found.confidence
    told = f"{words.difference(row.measure, row.difference, sure)}, B / A {words.ratio(row, sure)}"
    return f"{what}: **{row.word}** by {row.measure.title} at {100 * sure:g} % confidence: {told}; {sample}."


def _why_undecided(found: Comparison, row: Row) -> str:
    if min(len(found.a.runs), len(found.b.runs)) < 2:
        return "a single run shows no spread between runs. Make more of each: make scenario NAME=… REPEAT=5"
    return "nobody measured it in all runs, or there are too few jobs for it." if row.difference is None else ""


def method(found: Comparison) -> str:
    pairing, units = (PAIRED, "pairs of runs") if found.pairs else (ALONE, "runs")
    return METHOD.format(pairing=pairing, units=units, confidence=f"{100 * found.confidence:g} %")


def _cells(row: Row, confidence: float) -> tuple[str, ...]:
    return (
        row.measure.title,
        words.amount(row.measure, row.a),
        words.amount(row.measure, row.b),
        words.difference(row.measure, row.difference, confidence),
        words.ratio(row, confidence),
        NONE if row.effect is None else f"{row.effect:+.2f}",
        words.probability(row.p),
        words.verdict(row),
    )


def _runs(letter: str, side: RunSet) -> str:
    names = ", ".join(f"`{run.info.id}` (seed {run.info.seed})" for run in side.runs)
    left = "".join(f" Left out: {line}." for line in side.left_out)
    return f"{letter}, {side.name}: {names}.{left}"


def _unlike(found: Comparison, unlike: Sequence[str]) -> list[str]:
    revisions = [sorted({str(run.info.git_revision)[:12] for run in side.runs}) for side in (found.a, found.b)]
    lines = (
        [f"revision: {' or '.join(revisions[0])} and {' or '.join(revisions[1])}"]
        if revisions[0] != revisions[1]
        else []
    )
    lines += [f"version of {name}: {one} and {other}" for name, one, other in _versions(found)]
    lines += unlike
    return ["What differs between them:", bullets(lines)] if lines else ["Nothing else that is known differs."]


def _versions(found: Comparison) -> list[tuple[str, str | None, str | None]]:
    one, other = found.a.runs[0].info.versions, found.b.runs[0].info.versions
    names = sorted({*one, *other})
    return [(name, one.get(name), other.get(name)) for name in names if one.get(name) != other.get(name)]


def write_contrast(folder: Path) -> tuple[Comparison, Path]:
    """The comparison of both variants of a contrast, in the folder of their set.

    Raises UsageError where the folder is no such set's, or holds no run of a variant that may be used.
    """
    info = read_set(folder)
    sides = [[one for one in info.members if one.variant == variant] for variant in ("", CHANGED)]
    names = (info.name, f"with {info.changed}")
    a, b = (of_members(RunSet(name, []), folder, side) for name, side in zip(names, sides, strict=True))
    found = compare(a, b)
    return found, write_comparison(found, differences([*a.runs, *b.runs]), folder)


def write_comparison(
    found: Comparison, unlike: Sequence[str], folder: Path, sides: Sequence[Sequence[Path]] = ((), ())
) -> Path:
    """`comparison.md` in `folder`, and its figure in `figures/` there; `sides` are the folders of A's runs and B's,
    where they lie elsewhere.
    """
    from reporter.figures.effects import relative  # noqa: PLC0415 - matplotlib takes a second

    known = [
        (row.measure.title, interval, str(row.word))
        for row in found.rows
        if (interval := row.ratio_interval(found.confidence))
    ]
    drawn = relative(known, folder / "figures" / "comparison.svg")
    if any(sides):
        a, b = ([os.path.relpath(one, folder) for one in side] for side in sides)
        (folder / COMPARED).write_text(json.dumps({"a": a, "b": b}) + "\n", encoding="utf-8")
    path = folder / COMPARISON
    path.write_text(comparison_text(found, unlike, f"figures/{drawn.name}" if drawn else None), encoding="utf-8")
    return path
