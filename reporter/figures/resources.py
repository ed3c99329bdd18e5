"""Figures of what the service uses: memory along a run, and CPU time per job by who spends it."""

from collections.abc import Mapping, Sequence
from itertools import cycle
from pathlib import Path

from reporter.cost import SERVICE, Cost
from reporter.figures.style import ACCENT, GREY, GRID, INK, SECOND, STYLE, mpl, plt, save
from reporter.memory import Readings, together

COLOURS = (ACCENT, SECOND, "#5fa0c4", "#e08214", "#14506e", "#7f3b08", "#a9cfe4", "#fdb863")


def memory(series: Mapping[str, Readings], ends: Sequence[float], begin: float, path: Path) -> Path:
    """Unique memory of each process, and of all together, from `begin` (Unix seconds) on; a mark for the end of each
    job.
    """
    with mpl.rc_context(STYLE):
        figure, (whole, each) = plt.subplots(2, 1, figsize=(9, 5.2), sharex=True, height_ratios=(1, 1.6))
        times, sizes = _line(together(series), begin)
        whole.plot(times, sizes, color=INK, linewidth=1.8)
        whole.set(title="All processes of the service", ylabel="MB", ylim=(0, 1.15 * max(sizes, default=1.0)))
        for (process, readings), colour in zip(series.items(), cycle(COLOURS), strict=False):
            each.plot(*_line(readings, begin), color=colour, linewidth=1.6, label=process)
        each.plot([end - begin for end in ends], [0.015] * len(ends), "|", **_marks(each.get_xaxis_transform()))
        each.set(title="Each of them", ylabel="MB", ylim=(0, None), xlabel="seconds from the start of the run's window")
        each.legend(frameon=False, loc="center left", bbox_to_anchor=(1.01, 0.5))
        for axes in (whole, each):
            axes.grid(color=GRID)
        return save(figure, path)


def _line(readings: Readings, begin: float) -> tuple[list[float], list[float]]:
    return [when - begin for when, _ in readings], [size / 1e6 for _, size in readings]


def _marks(transform: mpl.transforms.Transform) -> dict[str, object]:
    """How the ends of jobs are drawn: along the lower edge, whatever the scale."""
    return {"color": GREY, "markersize": 7, "transform": transform, "label": "a job ends"}


def cpu_by_stage(costs: Mapping[str, Cost], path: Path) -> Path:
    """A bar per run or rung: CPU time per completed job, by who spends it."""
    with mpl.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(9, 1.4 + 0.5 * len(costs)))
        places = list(range(len(costs)))
        left = [0.0] * len(costs)
        for (part, title), colour in zip(SERVICE.items(), cycle(COLOURS), strict=False):
            values = [1000 * one.parts.get(part, 0.0) for one in costs.values()]
            axes.barh(places, values, left=left, color=colour, edgecolor="white", linewidth=0.8, label=title)
            left = [before + value for before, value in zip(left, values, strict=True)]
        for place, whole in zip(places, left, strict=True):
            axes.text(whole, place, f"  {whole:.1f} ms", va="center", fontsize=9)
        axes.set(
            title="CPU time per job", xlabel="ms", yticks=places, yticklabels=list(costs), xlim=(0, 1.15 * max(left))
        )
        axes.invert_yaxis()
        axes.grid(axis="x", color=GRID)
        axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1.01, 0.5))
        return save(figure, path)
