"""The tables of our Markdown documents as data: what a paper prints is what the report says, to the character."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markdown_it import MarkdownIt
from markdown_it.token import Token

APPENDIX = "Appendix"


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a cell. `style` is `strong`, `em`, `code` or nothing."""

    text: str
    style: str = ""


Cell = tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """`name` is fit for a file; `align` holds a letter per column: l or r. All rows are as long as `headers`."""

    name: str
    document: str
    heading: str
    headers: tuple[Cell, ...]
    align: str
    rows: tuple[tuple[Cell, ...], ...]

    @property
    def is_appendix(self) -> bool:
        return self.heading.startswith(APPENDIX)


def plain(cell: Cell) -> str:
    return "".join(span.text for span in cell)


def parsed(markdown: str) -> list[Token]:
    """As GitHub reads it, but for HTML, which stays text."""
    return MarkdownIt("commonmark", {"html": False}).enable("table").parse(markdown)


def tables(document: str, markdown: str) -> list[Table]:
    """All tables of a document that is called so, in order; each is named after the document and its heading, one that
    stands before the first heading below the title as its summary.
    """
    found: list[Table] = []
    seen: Counter[str] = Counter()
    heading = under = ""
    tokens = iter(parsed(markdown))
    for token in tokens:
        if token.type == "heading_open":
            heading = plain(_cell(next(tokens)))
            under = "summary" if token.tag == "h1" else heading
        elif token.type == "table_open":
            base = slug(f"{document} {under}")
            seen[base] += 1
            name = base if seen[base] == 1 else f"{base}-{seen[base]}"
            headers, align, rows = _content(tokens)
            found.append(Table(name, document, heading, headers, align, rows))
    return found


def slug(text: str) -> str:
    """Letters, digits and hyphens of ASCII, and nothing that leads out of a folder."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "table"


def _content(tokens: Iterator[Token]) -> tuple[tuple[Cell, ...], str, tuple[tuple[Cell, ...], ...]]:
    rows: list[list[Cell]] = []
    align = ""
    for token in tokens:
        if token.type == "table_close":
            break
        if token.type == "tr_open":
            rows.append([])
        elif token.type in {"th_open", "td_open"}:
            if token.type == "th_open":
                align += "r" if "right" in str(token.attrGet("style") or "") else "l"
            rows[-1].append(_cell(next(tokens)))
    head, *body = (tuple(row) for row in rows)
    return head, align, tuple(body)


def _cell(inline: Token) -> Cell:
    """Of a link only its text is kept, of an image what stands in its place."""
    spans: list[Span] = []
    style = ""
    for token in inline.children or ():
        if token.type in {"strong_open", "em_open"}:
            style = token.type.removesuffix("_open")
        elif token.type in {"strong_close", "em_close"}:
            style = ""
        elif token.type in {"softbreak", "hardbreak"}:
            spans.append(Span(" ", style))
        elif token.content:
            spans.append(Span(token.content, "code" if token.type == "code_inline" else style))
    return tuple(spans)


def width(table: Table, column: int) -> int:
    """Of its longest cell, in characters."""
    return max(len(plain(row[column])) for row in (table.headers, *table.rows))


def chunks(rows: Sequence[tuple[Cell, ...]], most: int) -> list[Sequence[tuple[Cell, ...]]]:
    return [rows[i : i + most] for i in range(0, len(rows), most)] or [rows]
