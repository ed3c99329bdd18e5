"""Effects with their intervals, one below the other."""

import math
from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes

from reporter.figures.style import ACCENT, GREY, GRID, INK, STYLE, TARGET, mpl, plt, save

Relative = tuple[str, tuple[float, float, float], str]
"""Title; B / A with the ends of its interval; what B is."""
COLOURS = {"better": ACCENT, "worse": TARGET}
WIDE = 2.0
"""A ratio from which on its axis is logarithmic."""
TICKS = (0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0, 7.0, 10.0, 20.0, 50.0)


def relative(rows: Sequence[Relative], path: Path, label: str = "B / A") -> Path | None:
    """Ratios by figure around 1; None without any."""
    if not rows:
        return None
    with mpl.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(8, 1.0 + 0.34 * len(rows)))
        for place, (_, (value, low, high), word) in enumerate(rows):
            colour = COLOURS.get(word, GREY)
            axes.plot([low, high], [place, place], color=colour, linewidth=2.2, solid_capstyle="butt")
            axes.plot([value], [place], "o", color=colour, markersize=5)
        axes.axvline(1.0, color=INK, linewidth=1)
        axes.set(ylim=(len(rows) - 0.4, -0.6), xlabel=label)
        axes.set_yticks(range(len(rows)), [title for title, _, _ in rows])
        _scale(axes, [end for _, interval, _ in rows for end in interval])
        axes.grid(axis="x", color=GRID)
        return save(figure, path)


def _scale(axes: Axes, ends: Sequence[float]) -> None:
    """An effect whose interval goes beyond all others' sense is cut off, so that the others can be read."""
    low, high = max(min(*ends, 1.0), TICKS[0]), min(max(*ends, 1.0), TICKS[-1])
    if high / low < WIDE:
        edge = 0.08 * (high - low) or 0.01
        axes.set_xlim(low - edge, high + edge)
        return
    axes.set_xscale("log")
    edge = (high / low) ** 0.06
    axes.set_xlim(low / edge, high * edge)
    shown = [tick for tick in TICKS if low / edge <= tick <= high * edge]
    axes.set_xticks(shown, [f"{tick:g}" for tick in shown])
    axes.xaxis.set_minor_locator(mpl.ticker.NullLocator())


def spread(rows: Sequence[tuple[str, Sequence[float]]], unit: str, path: Path) -> Path:
    """A figure of each run beside its mean, by what was measured."""
    with mpl.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(8, 1.0 + 0.4 * len(rows)))
        for place, (_, values) in enumerate(rows):
            axes.plot(values, [place] * len(values), "o", color=ACCENT, markersize=5, alpha=0.6)
            axes.plot([math.fsum(values) / len(values)], [place], "|", color=INK, markersize=16, markeredgewidth=1.6)
        axes.set(ylim=(len(rows) - 0.4, -0.6), xlabel=unit, xlim=(0, None))
        axes.set_yticks(range(len(rows)), [title for title, _ in rows])
        axes.grid(axis="x", color=GRID)
        return save(figure, path)
