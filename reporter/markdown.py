"""Markdown that reads well unrendered too: aligned tables, figures with their units, unknown said as such."""

import re
from collections.abc import Sequence

NO_DATA = "no data"
NOT_RUN = "not run"
NONE = "–"
"""Where a figure does not apply."""


def table(headers: Sequence[str], rows: Sequence[Sequence[str]], align: str) -> str:
    """`align` holds a letter per column: l or r. A pipe inside a cell is escaped."""
    cells = [[cell.replace("|", "\\|") for cell in row] for row in (headers, *rows)]
    widths = [max(3, *(len(row[i]) for row in cells)) for i in range(len(headers))]
    rule = [("-" * (w - 1) + ":") if a == "r" else "-" * w for a, w in zip(align, widths, strict=True)]
    lines = [cells[0], rule, *cells[1:]]
    return "\n".join(
        "| " + " | ".join(_pad(*c) for c in zip(line, widths, align, strict=True)) + " |" for line in lines
    )


def _pad(cell: str, width: int, side: str) -> str:
    return cell.rjust(width) if side == "r" else cell.ljust(width)


def bullets(items: Sequence[str]) -> str:
    return "\n".join(f"- {item}" for item in items)


def literal(text: str) -> str:
    """Text of others as it is: on one line, and nothing in it is a mark."""
    return re.sub(r"([\\`*_\[\]<>&|~#])", r"\\\1", " ".join(text.split()))


def fenced(text: str, language: str = "text") -> str:
    return f"```{language}\n{text}\n```"


def seconds(value: float | None) -> str:
    return NO_DATA if value is None else f"{value:.3f} s"


def millis(value: float | None) -> str:
    """Takes seconds."""
    return NO_DATA if value is None else f"{value * 1000:,.1f} ms"


def percent(share: float | None, digits: int = 1) -> str:
    """Takes a share of 1."""
    return NO_DATA if share is None else f"{share * 100:.{digits}f} %"


def megabytes(size: float | None) -> str:
    """Takes bytes; a megabyte is a million of them."""
    return NO_DATA if size is None else f"{size / 1e6:,.1f} MB"


def whole(value: float | None) -> str:
    return NO_DATA if value is None else f"{value:,.0f}"


def figure(value: float | None, unit: str = "") -> str:
    """A figure of any size: up to four significant digits, whole numbers as they are."""
    if value is None:
        return NO_DATA
    text = f"{value:,.0f}" if value == int(value) else f"{value:,.4g}"
    return f"{text} {unit}".rstrip()


def document(title: str, sections: Sequence[tuple[str, Sequence[str]]]) -> str:
    """Each section is its title, which the first may lack, and its blocks."""
    blocks = [f"# {title}"]
    for heading, content in sections:
        blocks += [f"## {heading}"] * bool(heading) + [*content]
    return "\n\n".join(blocks) + "\n"
