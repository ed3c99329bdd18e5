"""A run along its load in three panels: jobs by how they ended, breakers that were not closed, the queue."""

from pathlib import Path

from matplotlib.axes import Axes

from contract.calls import BreakerState
from contract.jobs import Outcome, Status
from reporter.figures.style import ACCENT, GREY, GRID, SECOND, STYLE, TARGET, mpl, plt, save
from reporter.timeline import Timeline

ENDS: tuple[tuple[Outcome | None, str, str], ...] = (
    (Outcome.COMPLETED, "completed", ACCENT),
    (Outcome.PARTIAL, "partial", "#e08214"),
    (Outcome.FAILED, "failed", TARGET),
    (Outcome.CANCELLED, "cancelled", "#b7bfc8"),
    (None, "end unseen", "#1f2933"),
)
STATES = {BreakerState.OPEN: ("open", TARGET), BreakerState.HALF_OPEN: ("half-open", "#fdb863")}
SHADE = "#f3d9d4"


def course(found: Timeline, title: str, path: Path) -> Path:
    """Seconds from the start of the load; the faults are shaded in every panel."""
    rows = max(1, len(found.breakers or {}))
    with mpl.rc_context(STYLE):
        figure, (jobs, breakers, queue) = plt.subplots(
            3, 1, figsize=(9, 5.2 + 0.2 * rows), sharex=True, height_ratios=(3, 0.6 + 0.35 * rows, 2)
        )
        for axes in (jobs, breakers, queue):
            _shade(axes, found)
        _jobs(jobs, found)
        _breakers(breakers, found)
        _queue(queue, found)
        jobs.set_title(title)
        queue.set(xlabel="seconds from the start of the load", xlim=(0, found.length))
        return save(figure, path)


def _shade(axes: Axes, found: Timeline) -> None:
    """A fault that took no time is a line."""
    for fault in found.faults:
        axes.axvspan(fault.start, fault.end, color=SHADE, linewidth=0)
        axes.axvline(fault.start, color=TARGET, linewidth=0.8, linestyle=":")


def _jobs(axes: Axes, found: Timeline) -> None:
    """A bar for the jobs that were due in each bin, by how they ended."""
    below = [0] * len(found.bins)
    for outcome, name, colour in ENDS:
        counts = [one.outcomes[outcome] for one in found.bins]
        if any(counts):
            starts, widths = [one.start for one in found.bins], [one.end - one.start for one in found.bins]
            axes.bar(
                starts, counts, widths, below, align="edge", color=colour, edgecolor="white", linewidth=0.6, label=name
            )
            below = [low + count for low, count in zip(below, counts, strict=True)]
    axes.set(ylabel="jobs due", ylim=(0, 1.15 * max(1, *below)))
    axes.yaxis.set_major_locator(mpl.ticker.MaxNLocator(integer=True))
    axes.grid(axis="y", color=GRID)
    axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1.01, 0.5))


def _breakers(axes: Axes, found: Timeline) -> None:
    """A row per breaker that ever opened."""
    titles = sorted(found.breakers or {}, reverse=True)
    if not titles:
        said = "no data" if found.breakers is None else "all breakers closed"
        axes.text(0.5, 0.5, said, color=GREY, ha="center", va="center", transform=axes.transAxes)
    for row, title in enumerate(titles):
        for state, (_, colour) in STATES.items():
            spans = [
                (span.start, span.end - span.start) for kind, span in (found.breakers or {})[title] if kind is state
            ]
            axes.broken_barh(spans, (row - 0.35, 0.7), color=colour, linewidth=0)
    axes.set(yticks=range(len(titles)), yticklabels=titles, ylim=(-0.6, max(1, len(titles)) - 0.4))
    if titles:
        handles = [mpl.patches.Patch(color=colour, label=name) for name, colour in STATES.values()]
        axes.legend(handles=handles, frameon=False, loc="center left", bbox_to_anchor=(1.01, 0.5))


def _queue(axes: Axes, found: Timeline) -> None:
    """A reading that failed breaks the line."""
    for status, name, colour in ((Status.QUEUED, "queued", ACCENT), (Status.IN_PROGRESS, "in progress", SECOND)):
        points = [(when, float("nan") if value is None else value) for when, value in found.backlog.get(status, ())]
        if points:
            axes.plot(*zip(*points, strict=True), color=colour, linewidth=1.6, drawstyle="steps-post", label=name)
    if found.backlog:
        axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1.01, 0.5))
    else:
        axes.text(0.5, 0.5, "no data", color=GREY, ha="center", va="center", transform=axes.transAxes)
    axes.set(ylabel="jobs", ylim=(0, None))
    axes.grid(color=GRID)
