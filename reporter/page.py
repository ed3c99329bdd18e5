"""The reports of a folder as one page: `index.html`, which needs no network and runs no script.

What reports say is untrusted text. HTML in it stays text, links and figures cannot leave the folder's `figures/`, and a
Content-Security-Policy forbids all but this page's own style sheet and embedded images.
"""

from base64 import b64encode
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from html import escape
from pathlib import Path
from re import sub
from urllib.parse import unquote

from markdown_it import MarkdownIt
from markdown_it.token import Token

from contract.errors import UsageError
from contract.runfolder import RUN, Verdict
from contract.runset import SET
from reporter.markdown import NO_DATA
from reporter.runs import Run
from reporter.stamp import Word, stamp
from reporter.study.sets import read_set

PAGE = "index.html"
STYLE = Path(__file__).with_suffix(".css")
APPENDIX = "Appendix"
"""A section whose heading begins so is folded: it may be longer than all the others."""
LISTED = 2
"""Headings of a report down to this level are in the navigation."""


def write_page(folder: Path) -> Path:
    """`index.html` in the folder, from every report (`*.md`) and figure (`figures/*.svg`) there; the same bytes for the
    same files. A run's or a set's folder is named at the top. Raises UsageError where there is no report.
    """
    documents = sorted(folder.glob("*.md"))
    if not documents:
        raise UsageError(f"There is no report in {folder} to make a page of.")
    figures = {f"figures/{path.name}": path for path in (folder / "figures").glob("*.svg")}
    reports = [_report(path, figures) for path in documents]
    path = folder / PAGE
    path.write_text(_page(_heading(folder), reports), encoding="utf-8")
    return path


@dataclass(frozen=True, slots=True)
class _Heading:
    title: str
    facts: Sequence[tuple[str, str, str]] = ()
    """Name, value and class of each."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """A line of the navigation."""

    level: int
    anchor: str
    title: str


@dataclass(slots=True)
class _Report:
    html: str = ""
    entries: list[_Entry] = field(default_factory=list)


def _heading(folder: Path) -> _Heading:
    if (folder / RUN).is_file():
        return _of_run(Run.load(folder))
    if (folder / SET).is_file():
        info = read_set(folder)
        facts = [("Runs", str(len(info.members)), ""), ("Seed", str(info.seed), ""), ("Began", _utc(info.started), "")]
        return _Heading(info.title, [("Set", info.id, ""), *facts])
    return _Heading("Reports")


def _of_run(run: Run) -> _Heading:
    word, verdict = stamp(run).word, run.result.verdict if run.result else None
    facts = [
        ("Scenario", run.info.scenario, ""),
        ("Run", run.info.id, ""),
        ("Seed", str(run.info.seed), ""),
        ("Began", _utc(run.info.started), ""),
        ("Verdict", verdict or NO_DATA, "good" if verdict is Verdict.PASS else "bad"),
        ("Stamp", word, "bad" if word is Word.INVALID else ""),
    ]
    return _Heading(run.info.title, facts)


def _utc(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC"


def _report(path: Path, figures: dict[str, Path]) -> _Report:
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    report = _Report()
    tokens = parser.parse(path.read_text(encoding="utf-8", errors="replace"))
    shaped = list(_folded(_anchored(tokens, path.stem, report.entries)))
    report.html = parser.renderer.render([_embedded(token, figures) for token in _boxed(shaped)], parser.options, {})
    return report


def _anchored(tokens: Sequence[Token], stem: str, entries: list[_Entry]) -> Iterator[Token]:
    """Headings one level lower, as the page has its own above them, with anchors that are unique on the page."""
    seen: Counter[str] = Counter()
    for place, token in enumerate(tokens):
        if token.type in {"heading_open", "heading_close"}:
            level = int(token.tag[1])
            token.tag = f"h{min(6, level + 1)}"
            if token.type == "heading_open":
                title = _plain(tokens[place + 1])
                anchor = f"{_slug(stem)}.{_slug(title)}"
                seen[anchor] += 1
                anchor += f".{seen[anchor]}" if seen[anchor] > 1 else ""
                token.attrSet("id", anchor)
                token.meta = {"level": level, "title": title}
                if level <= LISTED:
                    entries.append(_Entry(level, anchor, title))
        yield token


def _folded(tokens: Iterator[Token]) -> Iterator[Token]:
    """An appendix, up to the next section, can be unfolded by its heading; one in a quotation is none."""
    level = 0
    """Of the appendix that is open; 0 where none is."""
    in_summary = False
    for token in tokens:
        heads = token.type == "heading_open" and token.level == 0
        if heads and token.meta["level"] <= level:
            yield _html("</details>\n")
            level = 0
        if heads and not level and token.meta["title"].startswith(APPENDIX):
            yield _html("<details>\n<summary>")
            level, in_summary = token.meta["level"], True
        yield token
        if token.type == "heading_close" and in_summary:
            yield _html("</summary>\n")
            in_summary = False
    if level:
        yield _html("</details>\n")


def _boxed(tokens: Sequence[Token]) -> Iterator[Token]:
    """Tables in boxes that scroll (by keyboard too), so that the page does not; alignment as a class, as the policy
    forbids style attributes.
    """
    for token in tokens:
        if token.type == "table_open":
            yield _html('<div class="scroll" tabindex="0" role="group" aria-label="Table">\n')
        if token.type in {"th_open", "td_open"} and token.attrs.pop("style", "") == "text-align:right":
            token.attrSet("class", "number")
        yield token
        if token.type == "table_close":
            yield _html("</div>\n")


def _embedded(token: Token, figures: dict[str, Path]) -> Token:
    if token.children:
        token.children = [_figure(child, figures) if child.type == "image" else child for child in token.children]
    return token


def _figure(token: Token, figures: dict[str, Path]) -> Token:
    source, told = unquote(str(token.attrs["src"])), escape(_plain(token))
    if source not in figures:
        return _html(f'<em class="missing">The figure {escape(source)} is missing: {told}.</em>', "html_inline")
    data = b64encode(figures[source].read_bytes()).decode()
    image = f'<img src="data:image/svg+xml;base64,{data}" alt="{told}">'
    return _html(f'<span class="scroll" tabindex="0" role="group" aria-label="Figure">{image}</span>', "html_inline")


def _html(text: str, kind: str = "html_block") -> Token:
    return Token(kind, "", 0, content=text)


def _plain(token: Token) -> str:
    """The text of a heading or of a picture's description, without its marks."""
    return "".join(child.content or " " * (child.type in {"softbreak", "hardbreak"}) for child in token.children or [])


def _slug(text: str) -> str:
    return sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def _page(heading: _Heading, reports: Sequence[_Report]) -> str:
    style, title = STYLE.read_text(encoding="utf-8"), escape(heading.title)
    digest = b64encode(sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    facts = "".join(
        f'<div><dt>{escape(name)}</dt><dd class="{kind}">{escape(value)}</dd></div>\n'
        for name, value, kind in heading.facts
    )
    contents = "".join(_contents(report.entries) for report in reports)
    main = "".join(f"<article>\n{report.html}</article>\n" for report in reports)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>{title}</title>\n<style>{style}</style>\n</head>\n<body>\n"
        f"<header>\n<h1>{title}</h1>\n{f'<dl>{facts}</dl>' if facts else ''}\n</header>\n"
        f'<nav aria-label="Contents">\n<ul>\n{contents}</ul>\n</nav>\n<main>\n{main}</main>\n</body>\n</html>\n'
    )


def _contents(entries: Sequence[_Entry]) -> str:
    """Of one report: its title, and its sections below that."""
    links = [(entry.level, f'<a href="#{entry.anchor}">{escape(entry.title)}</a>') for entry in entries]
    top = "".join(link for level, link in links if level == 1)
    sections = "".join(f"<li>{link}</li>\n" for level, link in links if level > 1)
    return f"<li>{top}\n<ul>\n{sections}</ul>\n</li>\n"
