"""Charts in plain ASCII, for a terminal and for a text without pictures."""

from collections.abc import Sequence

WIDTH = 40


def bars(rows: Sequence[tuple[str, float]], unit: str, digits: int = 1) -> str:
    """A bar per row, all on one scale from 0; what is below 0 has its figure and no bar."""
    if not rows:
        return "no data"
    longest = max(0.0, *(value for _, value in rows))
    labels = max(len(label) for label, _ in rows)
    figures = [f"{value:,.{digits}f}" for _, value in rows]
    widest = max(map(len, figures))
    return "\n".join(
        f"{label.ljust(labels)}  {text.rjust(widest)} {unit}  {'#' * _length(value, longest)}".rstrip()
        for (label, value), text in zip(rows, figures, strict=True)
    )


def tracks(rows: Sequence[tuple[str, str, float | None]]) -> str:
    """A label, a figure in words and a bar of that share of the width per row; without a share there is no bar."""
    labels = max((len(label) for label, _, _ in rows), default=0)
    figures = max((len(text) for _, text, _ in rows), default=0)
    return "\n".join(
        f"{label.ljust(labels)}  {text.rjust(figures)}  {'#' * _length(share or 0.0, 1.0)}".rstrip()
        for label, text, share in rows
    )


def _length(value: float, longest: float) -> int:
    """A value above 0 always shows."""
    if value <= 0 or longest <= 0:
        return 0
    return max(1, round(value / longest * WIDTH))


def histogram(values: Sequence[float], unit: str, bins: int = 10) -> str:
    """How many values fall in each of `bins` equal ranges between the least and the greatest."""
    if not values:
        return "no data"
    low, high = min(values), max(values)
    width = (high - low) / bins or 1.0
    counts = [0] * bins
    for value in values:
        counts[min(bins - 1, int((value - low) / width))] += 1
    used = counts if high > low else counts[:1]
    edges = [(low + i * width, low + (i + 1) * width) for i in range(len(used))]
    return bars([(f"{a:,.0f}–{b:,.0f} {unit}", n) for (a, b), n in zip(edges, used, strict=True)], "jobs", 0)
