"""`paper/` in the folder of a run or a set of runs: all that goes into a paper as it is."""

import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from contract.errors import UsageError
from contract.runfolder import RUN
from reporter.markdown import literal
from reporter.paper import latex
from reporter.paper.formats import to_csv, to_json
from reporter.paper.manifest import manifest
from reporter.paper.methodology import methodology
from reporter.paper.tables import Table, plain, shown, tables
from reporter.runs import Run
from reporter.stamp import Word, stamp, worst
from reporter.study.comparison_report import COMPARED

PAPER = "paper"
FLOATS = 5
"""Tables and figures after which LaTeX is told to print those that it holds back, of which it can hold but a few."""
README = """\
# For a paper

`sample.tex` is a whole document with all tables and figures: compile it here (`pdflatex sample.tex`), or take from it
what you need. It wants `booktabs`, `array`, `graphicx`, `caption`, `lmodern` and
`geometry`; a table by itself wants the first three.

| file | what it is |
| --- | --- |
| `methodology.md`, `methodology.tex` | how the figures came about, from what the runs say of themselves |
| `tables/*.csv`, `*.json`, `*.tex` | every table; the same text in each, and in JSON its numbers beside it |
| `figures/*.svg`, `*.pdf` | every figure that the documents show |
| `manifest.json` | runs, seeds, versions, machine, the commands that make them again, and a SHA-256 of every file |

`make paper` writes this folder anew and keeps nothing that is in it: take your own text elsewhere.

Tables of PromQL (headings that begin with “Appendix”) have no LaTeX: they are evidence, and too wide to print.

| table | from | heading |
| --- | --- | --- |
"""
HEAD = r"""\documentclass[11pt]{article}
\usepackage[T1]{fontenc}
\usepackage[utf8]{inputenc}
\usepackage{lmodern}
\usepackage{textcomp}
\usepackage[margin=2.5cm]{geometry}
\usepackage{array,booktabs,graphicx}
\usepackage[justification=raggedright]{caption}
\begin{document}
\section{Methodology}
{\raggedright\input{methodology.tex}\par}
\section{Results}
"""


def write_paper(folder: Path) -> Path:
    """Tables of all documents (`*.md`) in the folder, its figures, a paragraph on method, a manifest; returns `paper/`.

    Raises UsageError where there is no document, or no run below the folder.
    """
    documents = sorted(folder.glob("*.md"))
    texts = {path.stem.removesuffix("_report"): path.read_text("utf-8") for path in documents}
    taken: set[str] = set()
    found = [one for name, text in texts.items() for one in tables(name, text, taken)]
    runs = [(path, Run.load(path)) for path in dict.fromkeys([*_runs(folder), *_named(folder, found)])]
    if not documents or not runs:
        raise UsageError(f"{folder} holds no report of a run. Write it first: make report RUN={folder.name}")
    paper = folder / PAPER
    shutil.rmtree(paper, ignore_errors=True)
    (paper / "tables").mkdir(parents=True)
    note = _note([run for _, run in runs])
    for one in found:
        _write_table(one, caption(one, note), paper / "tables")
    figures = {stem: what for text in texts.values() for stem, what in shown(text).items()}
    unprinted = _copy_figures(folder / "figures", paper / "figures", figures)
    figures = {stem: f"{what}{note}" for stem, what in figures.items() if stem not in unprinted}
    sentences = methodology([run for _, run in runs])
    (paper / "methodology.md").write_text(" ".join(map(literal, sentences)) + "\n", encoding="utf-8")
    (paper / "methodology.tex").write_text("\n".join(map(latex.prose, sentences)) + "\n", encoding="utf-8")
    (paper / "sample.tex").write_text(_sample(found, figures), encoding="utf-8")
    rows = "".join(f"| `{one.name}` | {literal(one.document)} | {literal(one.heading)} |\n" for one in found)
    (paper / "README.md").write_text(README + rows + _told(unprinted), encoding="utf-8")
    told = manifest(folder, runs, paper)
    (paper / "manifest.json").write_text(json.dumps(told, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return paper


def _runs(folder: Path) -> list[Path]:
    """The run itself, those of a set, or those that were compared; a run's rungs are part of it."""
    if (folder / RUN).exists():
        return [folder]
    if (folder / COMPARED).exists():
        named = json.loads((folder / COMPARED).read_bytes())
        missing = [name for side in ("a", "b") for name in named[side] if not (folder / name).is_dir()]
        if missing:
            raise UsageError(
                f"{', '.join(missing)} is not beside {folder.name} any more: what was compared is evidence."
            )
        return [run for side in ("a", "b") for name in named[side] for run in _runs(folder / name)]
    return sorted(path.parent for path in folder.glob(f"*/*/{RUN}"))


def _named(folder: Path, found: Sequence[Table]) -> list[Path]:
    """A report of several runs lies with the last one and names the others in its method."""
    names = [plain(one.headers[1]) for one in found if len(one.headers) == 2 and plain(one.headers[0]) == "Run"]
    beside = {path.name: path for path in folder.parent.iterdir() if not path.is_symlink()}
    return [beside[name] for name in names if name in beside and (beside[name] / RUN).exists()]


def _note(runs: Sequence[Run]) -> str:
    """What a caption must not keep to itself."""
    found = worst(map(stamp, runs))
    if found.word is Word.VALID:
        return ""
    return f" ({found.word})" if len(runs) == 1 else f" (at least one run is {found.word})"


def caption(found: Table, note: str) -> str:
    """`note` is before the sentence that leads to the table, whose words are the report's own."""
    return f"{found.heading or found.document}, {found.document} report{note}. {found.lead}".rstrip(". ") + "."


def _write_table(found: Table, text: str, folder: Path) -> None:
    (folder / f"{found.name}.csv").write_text(to_csv(found), encoding="utf-8")
    (folder / f"{found.name}.json").write_text(to_json(found, text), encoding="utf-8")
    if not found.is_appendix:
        (folder / f"{found.name}.tex").write_text(latex.table(found, text), encoding="utf-8")


def _copy_figures(source: Path, target: Path, stems: Iterable[str]) -> list[str]:
    """Those that LaTeX cannot print, for want of a PDF."""
    target.mkdir()
    stems = list(stems)
    for path in (source / f"{stem}{suffix}" for stem in stems for suffix in (".svg", ".pdf")):
        if path.is_file():
            shutil.copy(path, target)
    return [stem for stem in stems if not (target / f"{stem}.pdf").exists()]


def _told(unprinted: Sequence[str]) -> str:
    if not unprinted:
        return ""
    names = ", ".join(f"`{stem}`" for stem in unprinted)
    return f"\nNot in `sample.tex`, since the run's folder holds no PDF of them: {names}.\n"


def _sample(found: Sequence[Table], figures: Mapping[str, str]) -> str:
    floats = [rf"\input{{tables/{one.name}.tex}}" for one in found if not one.is_appendix]
    floats += [_figure(stem, what) for stem, what in figures.items()]
    lines = []
    for number, one in enumerate(floats, start=1):
        lines.append(one)
        if number % FLOATS == 0:
            lines.append(r"\clearpage")
    return HEAD + "\n".join(lines) + "\n\\end{document}\n"


def _figure(stem: str, what: str) -> str:
    return "\n".join(
        (
            r"\begin{figure}[htbp]",
            r"\centering",
            rf"\includegraphics[width=\linewidth]{{figures/{stem}.pdf}}",
            rf"\caption{{{latex.prose(what)}}}",
            rf"\label{{fig:{stem}}}",
            r"\end{figure}",
        )
    )
