"""Figures of one run: how its response times spread, and where the median job's time went."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes

from reporter.breakdown import CRITICAL_TITLES, OVERHEAD_TITLES, Breakdown
from reporter.figures.style import ACCENT, GRID, INK, STYLE, TARGET, mpl, plt, save
from reporter.statistics import percentile, sample_floor

CRITICAL_COLOURS = ("#14506e", "#2a6f97", "#5fa0c4", "#a9cfe4")
OVERHEAD_COLOURS = (
    "#7f3b08", "#b35806", "#e08214", "#fdb863", "#c7a76c", "#8c6d31", "#bd9e39", "#e7cb94", "#999999",
)  # fmt: skip


def response_time(values: Sequence[float], limit: float | None, path: Path) -> Path:
    """How the response times (seconds) spread, and how many jobs had ended by when; `limit` is the target."""
    with mpl.rc_context(STYLE):
        figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4))
        left.hist([1000 * value for value in values], bins="auto", color=ACCENT, edgecolor="white", linewidth=0.8)
        left.set(title=f"Distribution, n = {len(values)}", xlabel="response time (ms)", ylabel="jobs")
        left.yaxis.get_major_locator().set_params(integer=True)
        left.grid(axis="y", color=GRID)
        _cumulative(right, values, limit)
        return save(figure, path)


def _cumulative(axes: Axes, values: Sequence[float], limit: float | None) -> None:
    axes.ecdf(values, color=ACCENT, linewidth=2)
    for name, q in (("P50", 0.5), ("P95", 0.95), ("P99", 0.99)):
        if len(values) >= sample_floor(q):
            value = percentile(values, q)
            axes.plot([value], [q], "o", color=INK, markersize=4)
            axes.annotate(
                f"{name} {value:.3f} s", (value, q), xytext=(9, -3), textcoords="offset points", va="top", fontsize=9
            )
    end = max(values)
    if limit is not None:
        axes.axvline(limit, color=TARGET, linestyle="--", linewidth=1.4)
        axes.text(limit, 0.04, f"target < {limit:g} s ", color=TARGET, ha="right", fontsize=9)
        end = max(end, limit)
    axes.set(title="Share of jobs ended by then", xlabel="response time (s)", xlim=(0, end * 1.06), ylim=(0, 1.02))
    axes.yaxis.set_major_formatter(mpl.ticker.PercentFormatter(1.0, decimals=0))
    axes.grid(color=GRID)


def job_time(job: Breakdown, path: Path) -> Path:
    """One job's response time by part, and its overhead again on a scale of its own. Parts below 0 are not drawn."""
    critical = [(CRITICAL_TITLES[name], 1000 * job.critical[name]) for name in CRITICAL_TITLES]
    overhead = [(OVERHEAD_TITLES[name], 1000 * job.overhead[name]) for name in OVERHEAD_TITLES]
    total = 1000 * job.overhead_seconds
    with mpl.rc_context(STYLE):
        figure, (upper, lower) = plt.subplots(2, 1, figsize=(9, 4.4))
        parts = [*critical, ("overhead", total)]
        _stack(upper, parts, (*CRITICAL_COLOURS, OVERHEAD_COLOURS[1]))
        upper.set_title(f"The median job: {1000 * job.response:,.0f} ms")
        _stack(lower, overhead, OVERHEAD_COLOURS)
        lower.set_title(f"Its overhead: {total:,.1f} ms")
        return save(figure, path)


def _stack(axes: Axes, parts: Sequence[tuple[str, float]], colours: Sequence[str]) -> None:
    left = 0.0
    whole = sum(max(0.0, value) for _, value in parts) or 1.0
    for (name, value), colour in zip(parts, colours, strict=True):
        shown = max(0.0, value)
        axes.barh(0, shown, left=left, color=colour, edgecolor="white", linewidth=0.8, label=f"{name} {value:,.1f} ms")
        if shown / whole > 0.09:
            axes.text(left + shown / 2, 0, f"{value:,.0f}" if value >= 10 else f"{value:.1f}", **_inside(colour))
        left += shown
    axes.set(yticks=[], xlim=(0, whole), xlabel="ms")
    axes.spines["left"].set_visible(False)
    axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False, fontsize=8.5)


def _inside(colour: str) -> dict[str, Any]:
    """How text on a bar of this colour is written: readable on light and on dark."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    light = 0.299 * red + 0.587 * green + 0.114 * blue > 150
    return {"ha": "center", "va": "center", "fontsize": 9.0, "color": INK if light else "white"}
