"""What 1,000 jobs cost, by run and item."""

from collections.abc import Mapping
from pathlib import Path

from reporter.figures.style import GRID, STYLE, mpl, plt, save
from reporter.pricing import Bill

COLOURS = ("#14506e", "#2a6f97", "#5fa0c4", "#b35806", "#e08214", "#fdb863", "#999999")


def cost(bills: Mapping[str, Bill], currency: str, path: Path) -> Path:
    """Of bills whose sum is known."""
    names = list(bills)
    with mpl.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(9, 1.4 + 0.5 * len(names)))
        left = [0.0] * len(names)
        for number, colour in zip(range(len(COLOURS)), COLOURS, strict=True):
            parts = [bills[name].of_1000(bills[name].items[number]) or 0.0 for name in names]
            title = bills[names[0]].items[number].title
            axes.barh(names, parts, left=left, color=colour, edgecolor="white", linewidth=0.8, label=title)
            left = [start + part for start, part in zip(left, parts, strict=True)]
        axes.invert_yaxis()
        axes.set(title="Cost of 1,000 successful jobs", xlabel=currency)
        axes.grid(axis="x", color=GRID)
        axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False, fontsize=8.5)
        return save(figure, path)
