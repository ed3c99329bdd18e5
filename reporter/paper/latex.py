"""Text and tables for LaTeX: pdfLaTeX, in T1, with the packages `booktabs`, `array`, `graphicx` and `textcomp`."""

import math
import re
from collections.abc import Sequence

from reporter.paper.tables import Cell, Span, Table, plain, width

ESCAPES = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "'": r"\textquotesingle{}",
    "`": r"\textasciigrave{}",
    "-": r"{-}",
    "*": r"{*}",  # at the start of a row LaTeX would take it, and a bracket, for an option of the row before
    "[": r"{[}",
    "]": r"{]}",
    "–": r"\textendash{}",
    "—": r"\textemdash{}",
    "−": r"\textminus{}",
    "…": r"\textellipsis{}",
    "“": r"\textquotedblleft{}",
    "”": r"\textquotedblright{}",
    "‘": r"\textquoteleft{}",
    "’": r"\textquoteright{}",
    "·": r"\textperiodcentered{}",
    "±": r"\textpm{}",
    "×": r"\texttimes{}",
    "°": r"\textdegree{}",
    "µ": r"\textmu{}",
    "²": r"\texttwosuperior{}",
    "³": r"\textthreesuperior{}",
    "½": r"\textonehalf{}",
    "€": r"\texteuro{}",
    "§": r"\textsection{}",
    "→": r"\textrightarrow{}",
    "←": r"\textleftarrow{}",
    "≤": r"\ensuremath{\leq}",
    "≥": r"\ensuremath{\geq}",
    "≈": r"\ensuremath{\approx}",
    "≠": r"\ensuremath{\neq}",
    "∞": r"\ensuremath{\infty}",
    "∥": r"\ensuremath{\parallel}",
    "√": r"\ensuremath{\surd}",
    "Σ": r"\ensuremath{\Sigma}",
    "Δ": r"\ensuremath{\Delta}",
    "α": r"\ensuremath{\alpha}",
    "β": r"\ensuremath{\beta}",
    "δ": r"\ensuremath{\delta}",
    "κ": r"\ensuremath{\kappa}",
    "λ": r"\ensuremath{\lambda}",
    "μ": r"\ensuremath{\mu}",
    "σ": r"\ensuremath{\sigma}",
    "\u00a0": r"\nobreakspace{}",
    "\u202f": r"\thinspace{}",
}
STYLES = {"strong": "textbf", "em": "emph", "code": "texttt"}
BREAK = r"\allowbreak{}"
LONGEST_WORD = 28
"""That a line holds, where a capital counts twice."""
LONGEST_LETTER = 0x017F
"""The end of Latin Extended-A, whose letters T1 has."""
CODE_PIECES = re.compile(rf"[^_./\-,:= ]{{1,{LONGEST_WORD}}}[_./\-,:= ]?|[_./\-,:= ]")
"""Between which a piece of code may be broken into lines."""
MOST_LINES = 40
"""Of a table that fits on a page."""
PROSE = 48
"""Characters from which on a column is set in lines of its own."""
PROSE_WIDTH = 0.42
"""Of the text's width."""
PROSE_LINE = 36
"""Characters that such a line holds at least, in prose."""


def escaped(text: str) -> str:
    """What pdfLaTeX prints as this text. A character that it has no letter for is named by its number."""
    return re.sub(",(?=,)", ",{}", "".join(map(_escaped, text)))  # two of them would become a quotation mark


def prose(text: str) -> str:
    """The same, with places at which words may be broken that no line holds, such as a hash."""
    return " ".join(map(_word, text.split(" ")))


def _escaped(character: str) -> str:
    if (known := ESCAPES.get(character)) is not None:
        return known
    if character in "\n\t\r":
        return " "
    if not character.isprintable() or (not character.isascii() and not _in_t1(character)):
        return f"{{[U+{ord(character):04X}]}}"
    return character


def _in_t1(character: str) -> bool:
    return character.isalpha() and ord(character) <= LONGEST_LETTER and character not in "ĸŉſ"


def cell(spans: Cell) -> str:
    return "".join(map(_span, spans))


def _span(span: Span) -> str:
    if span.style == "code":
        return rf"\texttt{{{BREAK.join(map(escaped, CODE_PIECES.findall(span.text)))}}}"
    text = prose(span.text)
    return rf"\{STYLES[span.style]}{{{text}}}" if span.style else text


def _word(word: str) -> str:
    if len(word) + sum(map(str.isupper, word)) <= LONGEST_WORD:
        return escaped(word)
    return BREAK.join(escaped(word[i : i + 8]) for i in range(0, len(word), 8))


def table(found: Table, caption: str) -> str:
    """One or several `table` environments; one that is wider or higher than the page is made smaller."""
    parts = _pages(found)
    return "\n".join(
        _environment(found, part, caption if number == 1 else f"{caption} (continued)", number)
        for number, part in enumerate(parts, start=1)
    )


def _environment(found: Table, rows: Sequence[tuple[Cell, ...]], caption: str, number: int) -> str:
    label = found.name if number == 1 else f"{found.name}-part-{number}"
    lines = [
        r"\begin{table}[htbp]",
        r"\centering",
        rf"\caption{{{prose(caption)}}}",
        rf"\label{{tab:{label}}}",
        r"\resizebox*{!}{\ifdim\totalheight>0.8\textheight 0.8\textheight\else\totalheight\fi}{%",
        r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%",
        rf"\begin{{tabular}}{{{_columns(found)}}}",
        r"\toprule",
        _row(found.headers),
        r"\midrule",
        *map(_row, rows),
        r"\bottomrule",
        r"\end{tabular}}}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def _pages(found: Table) -> list[list[tuple[Cell, ...]]]:
    """The rows, as many together as a page holds."""
    pages: list[list[tuple[Cell, ...]]] = [[]]
    lines = 0
    for row in found.rows:
        needed = max((math.ceil(len(plain(row[column])) / PROSE_LINE) for column in _prose_columns(found)), default=1)
        if pages[-1] and lines + needed > MOST_LINES:
            pages.append([])
            lines = 0
        pages[-1].append(row)
        lines += max(1, needed)
    return pages


def _row(cells: Sequence[Cell]) -> str:
    return " & ".join(map(cell, cells)) + r" \\"


def _columns(found: Table) -> str:
    lines = rf">{{\raggedright\arraybackslash}}p{{{PROSE_WIDTH}\linewidth}}"
    wide = _prose_columns(found)
    return "".join(lines if column in wide else side for column, side in enumerate(found.align))


def _prose_columns(found: Table) -> list[int]:
    return [column for column, side in enumerate(found.align) if side == "l" and width(found, column) > PROSE]
