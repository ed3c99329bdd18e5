"""Effects with their intervals, one below the other."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes

from reporter.figures.style import ACCENT, GREY, GRID, INK, STYLE, TARGET, mpl, plt, save

Relative = tuple[str, tuple[float, float, float], str]
"""Title; B / A with the ends of its interval; what B is."""
COLOURS = {"better": ACCENT, "worse": TARGET}
WIDE = 2.0
"""A ratio from which on its axis is logarithmic."""
TICKS = (0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0)
"""What lies beyond them is told at the edge, so that the others can be read."""


def relative(rows: Sequence[Relative], path: Path, label: str = "B / A") -> Path | None:
    """Ratios by figure around 1; None without any."""
    if not rows:
        return None
    with mpl.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(8, 1.0 + 0.34 * len(rows)))
        for place, (_, (value, low, high), word) in enumerate(rows):
            colour = COLOURS.get(word, GREY)
            axes.plot([low, high], [place, place], color=colour, linewidth=2.2, solid_capstyle="butt")
            edge = min(max(value, TICKS[0]), TICKS[-1])
            axes.plot([edge], [place], "o" if edge == value else "<>"[value > 1], color=colour, markersize=6)
            if edge != value:
                beyond: dict[str, Any] = {"xytext": (-9 if value > 1 else 9, 0), "ha": "right" if value > 1 else "left"}
                axes.annotate(f"{value:.3g}", (edge, place), textcoords="offset points", va="center", **beyond)
        axes.axvline(1.0, color=INK, linewidth=1)
        axes.set(ylim=(len(rows) - 0.4, -0.6), xlabel=label)
        axes.set_yticks(range(len(rows)), [title for title, _, _ in rows])
        _scale(axes, [end for _, interval, _ in rows for end in interval])
        axes.grid(axis="x", color=GRID)
        return save(figure, path)


def _scale(axes: Axes, ends: Sequence[float]) -> None:
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
        axes.set(ylim=(len(rows) - 0.4, -0.6), xlabel=unit)
        axes.set_yticks(range(len(rows)), [title for title, _ in rows])
        axes.grid(axis="x", color=GRID)
        return save(figure, path)
