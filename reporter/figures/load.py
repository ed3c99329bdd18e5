"""Figures of a ladder of loads: what each gave, and the law fitted to them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from reporter.figures.style import ACCENT, GREY, GRID, INK, SECOND, STYLE, TARGET, mpl, plt, save
from reporter.rungs import Rung
from reporter.scalability import Fit
from reporter.statistics import Percentile


def by_load(rungs: Sequence[Rung], path: Path) -> Path:
    """Throughput, and P50 and P95 of the response time, against the load of each rung that has figures."""
    offered = "users" if any(rung.users is not None for rung in rungs) else "jobs/s offered"
    with mpl.rc_context(STYLE):
        figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4))
        known = [(rung.offered, rung.throughput) for rung in rungs if rung.offered and rung.throughput is not None]
        _line(left, known, ACCENT, None, "{:.1f}", at=(13, -10))
        left.set(title="Throughput", xlabel=offered, ylabel="jobs/s")
        _line(right, _supported([(rung, rung.p50) for rung in rungs]), ACCENT, "P50", "{:.2f}", at=(0, -13))
        _line(right, _supported([(rung, rung.p95) for rung in rungs]), SECOND, "P95", "{:.2f}", at=(0, 6))
        right.set(title="Response time", xlabel=offered, ylabel="s")
        right.legend(frameon=False, loc="upper left")
        for axes in (left, right):
            axes.set(xlim=(0, None), ylim=(0, None))
            axes.margins(y=0.15)
            axes.set_xticks([load for load, _ in known])
            axes.grid(color=GRID)
        return save(figure, path)


def _supported(found: Sequence[tuple[Rung, Percentile | None]]) -> list[tuple[float, float]]:
    return [(rung.offered, one.value) for rung, one in found if rung.offered and one is not None and one.supported]


def _line(
    axes: Axes, points: Sequence[tuple[float, float]], colour: str, label: str | None, form: str, at: tuple[int, int]
) -> None:
    axes.plot(
        [x for x, _ in points], [y for _, y in points], "o-", color=colour, label=label, linewidth=1.8, markersize=5
    )
    for x, y in points:
        axes.annotate(
            form.format(y),
            (x, y),
            xytext=at,
            textcoords="offset points",
            ha="center",
            fontsize=8,
            color=colour,
        )


def scalability(fit: Fit, until: float, bound: float | None, path: Path) -> Path:
    """The rungs, the fitted law with its band up to `until` users (dashed where nothing was measured), the knee.

    `bound` is the throughput that the machine's CPU allows at most.
    """
    users = np.linspace(1, until, 120)
    band = [fit.predict(n) for n in users]
    most = max(fit.users)
    with mpl.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(9, 3.8))
        axes.fill_between(
            users,
            [b.low for b in band],
            [b.high for b in band],
            color=ACCENT,
            alpha=0.15,
            linewidth=0,
            label="95 % band",
        )
        fitted = np.array([b.value for b in band])
        axes.plot(users[users <= most], fitted[users <= most], color=ACCENT, linewidth=2, label="fitted law")
        axes.plot(users[users >= most], fitted[users >= most], "--", color=ACCENT, linewidth=1.5, label="extrapolated")
        axes.plot(fit.users, fit.throughputs, "o", color=INK, markersize=6, label="measured")
        if fit.knee is not None:
            axes.axvline(fit.knee.value, color=GREY, linestyle=":", linewidth=1.4)
            axes.text(fit.knee.value, 0, f" knee {fit.knee.value:.0f}", color=GREY, va="bottom", fontsize=9)
        if bound is not None:
            axes.axhline(bound, color=TARGET, linestyle="--", linewidth=1.2)
            axes.text(until, bound, "CPU allows at most ", color=TARGET, ha="right", va="bottom", fontsize=9)
        top = max(*fit.throughputs, float(fitted.max()), bound or 0.0)
        axes.set(title="Throughput by users", xlabel="users", ylabel="jobs/s", xlim=(0, until), ylim=(0, top * 1.25))
        axes.grid(color=GRID)
        axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1.01, 0.5))
        return save(figure, path)
