"""The tables of our Markdown documents as data: what a paper prints is what the report says, to the character."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from markdown_it import MarkdownIt
from markdown_it.token import Token

APPENDIX = "Appendix"
LONGEST_NAME = 80


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a cell. `style` is `strong`, `em`, `code` or nothing."""

    text: str
    style: str = ""


Cell = tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """`name` is fit for a file; `lead` is the sentence that stands right before the table, if any; `align` holds a
    letter per column: l or r. All rows are as long as `headers`.
    """

    name: str
    document: str
    heading: str
    lead: str
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


def tables(document: str, markdown: str, taken: set[str] | None = None) -> list[Table]:
    """All tables of a document that is called so, in order; each is named after the document and its heading, one that
    stands before the first heading below the title as its summary. No name is one of those `taken`, which grow.
    """
    found: list[Table] = []
    taken = set() if taken is None else taken
    heading = under = lead = ""
    tokens = iter(parsed(markdown))
    for token in tokens:
        if token.type == "heading_open":
            heading = plain(_cell(next(tokens)))
            under = "summary" if token.tag == "h1" else heading
            lead = ""
        elif token.type == "paragraph_open":
            lead = _last_sentence(next(tokens))
        elif token.type == "table_open":
            name = _name(slug(f"{document} {under}"), taken)
            headers, align, rows = _content(tokens)
            found.append(Table(name, document, heading, lead, headers, align, rows))
            lead = ""
        elif token.type not in {"inline", "paragraph_close"}:
            lead = ""
    return found


def slug(text: str) -> str:
    """Letters, digits and hyphens of ASCII, and nothing that leads out of a folder."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower())[:LONGEST_NAME].strip("-") or "table"


def shown(markdown: str) -> dict[str, str]:
    """The figures of a document that lie in `figures/`: what they show, by the stem of their file."""
    images = [image for token in parsed(markdown) for image in token.children or () if image.type == "image"]
    places = [(re.fullmatch(r"figures/([\w.-]+)\.svg", str(image.attrGet("src")), re.ASCII), image) for image in images]
    return {place[1]: image.content for place, image in places if place}


def _name(base: str, taken: set[str]) -> str:
    name, number = base, 1
    while name in taken:
        number += 1
        name = f"{base}-{number}"
    taken.add(name)
    return name


def _last_sentence(inline: Token) -> str:
    """Nothing of a paragraph that holds a figure."""
    if any(token.type == "image" for token in inline.children or ()):
        return ""
    return re.split(r"(?<=[.:!?”]) (?=[^a-z])", plain(_cell(inline)))[-1].rstrip(":.") + "."


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
