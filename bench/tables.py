"""Tables of medians with their spread."""

from collections.abc import Sequence
from statistics import median

from rich.table import Table


def spread(values: Sequence[float], digits: int = 0) -> str:
    """The median of the repetitions, and the lowest and highest of them."""
    if not values:
        return "no data"
    middle, low, high = (f"{value:,.{digits}f}" for value in (median(values), min(values), max(values)))
    return middle if len(values) == 1 else f"{middle} ({low}–{high})"


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> str:
    """Of the medians."""
    return f"{median(ours) / median(theirs):.2f}×" if ours and theirs and median(theirs) else "no data"


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], caption: str = "") -> Table:
    """The first column holds names, the others figures."""
    made = Table(title=title, caption=caption, title_justify="left", caption_justify="left", title_style="bold")
    for number, column in enumerate(columns):
        made.add_column(column, justify="right" if number else "left")
    for row in rows:
        made.add_row(*row)
    return made
