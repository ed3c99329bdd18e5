"""What a paper prints is what the report says, to the character, and it can be made again."""

import csv
import hashlib
import io
import json
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from contract.errors import UsageError
from contract.runset import Member, SetKind
from reporter.paper import latex
from reporter.paper.formats import to_csv, to_json
from reporter.paper.paper import write_paper
from reporter.paper.tables import Span, Table, plain, tables
from reporter.performance import write_performance_report
from reporter.study.comparison import compare
from reporter.study.comparison_report import write_comparison, write_contrast
from reporter.study.repeats_report import write_repeats
from reporter.study.sets import run_set
from stack.places import ROOT
from tests.unit.reporter.folders import Folder, single
from tests.unit.reporter.sets import repeat, write_set

SAMPLES = sorted((ROOT / "docs" / "sample").glob("*.md"))
Rows = list[list[str]]


def by_hand(markdown: str) -> list[Rows]:
    """The tables of a document, read without the parser that is tried."""
    found: list[Rows] = []
    fenced = False
    before = ""
    for line in markdown.splitlines():
        fenced ^= line.startswith("```")
        if not fenced and line.startswith("| "):
            if not before.startswith("|"):
                found.append([])
            if not re.fullmatch(r"\|[ :|-]+\|", line):
                cells = re.split(r"(?<!\\)\|", line)[1:-1]
                found[-1].append([unmarked(one.strip()) for one in cells])
        before = line
    return found


def unmarked(cell: str) -> str:
    bare = re.sub(r"\*\*(.+?)\*\*|`([^`]*)`|(?<![\w*])\*([^*]+)\*", lambda m: m[1] or m[2] or m[3], cell)
    return bare.replace("\\|", "|")


def unescaped(text: str) -> str:
    text = text.replace(latex.BREAK, "")
    text = re.sub(r"\\(?:textbf|emph|texttt)\{((?:[^{}]|\{[^{}]*\}|\\[{}])*)\}", r"\1", text)
    for character, written in sorted(latex.ESCAPES.items(), key=lambda pair: -len(pair[1])):
        text = text.replace(written, character)
    return text


def rows_of_latex(text: str) -> Rows:
    lines = [line.removesuffix(r" \\") for line in text.splitlines() if line.endswith(r" \\")]
    rows = [[unescaped(cell) for cell in line.split(" & ")] for line in lines]
    return [row for number, row in enumerate(rows) if not number or row != rows[0]]


def rows_of_json(text: str) -> Rows:
    content = json.loads(text)
    return [content["headers"], *([cell["text"] for cell in row] for row in content["rows"])]


def disagreements(table: Table, expected: Rows, *, csv_text: str, json_text: str, latex_text: str) -> list[str]:
    found = {
        "csv": list(csv.reader(io.StringIO(csv_text))),
        "json": rows_of_json(json_text),
        "latex": rows_of_latex(latex_text),
    }
    return [f"{table.name}: {name}" for name, rows in found.items() if rows != expected]


@pytest.mark.parametrize("path", SAMPLES, ids=[path.stem for path in SAMPLES])
def test_every_cell_of_every_table_is_the_same_in_all_formats(path: Path) -> None:
    markdown = path.read_text()
    found, expected = tables(path.stem, markdown), by_hand(markdown)
    assert len(found) == len(expected) > 10
    for table, rows in zip(found, expected, strict=True):
        made = {"csv_text": to_csv(table), "json_text": to_json(table, ""), "latex_text": latex.table(table, "")}
        assert disagreements(table, rows, **made) == []


def test_a_digit_that_differs_in_one_format_is_found() -> None:
    [table] = tables("performance", "## Load\n\n| Load | P95 |\n| --- | ---: |\n| 5 users | 587.3 ms |\n")
    made = {"csv_text": to_csv(table), "json_text": to_json(table, ""), "latex_text": latex.table(table, "")}
    rows = [["Load", "P95"], ["5 users", "587.3 ms"]]
    assert disagreements(table, rows, **made) == []
    for name, text in made.items():
        spoilt = made | {name: text.replace("587.3", "587.2")}
        assert disagreements(table, rows, **spoilt) == [f"{table.name}: {name.removesuffix('_text')}"]


@pytest.mark.parametrize(
    "text",
    [
        r"50 % of {a} & $b$ #1 _c_ ^d^ ~e~ \f",
        "a < b > c | d \" e ' f ` g -- h",
        "1–2 — 3 − 4 … “q” ‘r’ · ± × ° µ ² ≤ ≥ → ∞ ∥ δ σ",
        "Zoë Łukasz Çelik Øre",
        r"\input{/etc/passwd} \write18{ls}",
    ],
)
def test_text_survives_latex(text: str) -> None:
    assert unescaped(latex.escaped(text)) == text


def test_a_letter_that_latex_lacks_is_named_and_does_not_vanish() -> None:
    assert latex.escaped("a中\x07") == "a[U+4E2D][U+0007]"


def test_numbers_stand_beside_their_text() -> None:
    markdown = "| a | b | c | d |\n| --- | --- | --- | --- |\n| 1,234.5 ms | 72 of 72 | −3 | no data |\n"
    [row] = json.loads(to_json(tables("x", markdown)[0], ""))["rows"]
    assert row == [
        {"text": "1,234.5 ms", "value": 1234.5, "unit": "ms"},
        {"text": "72 of 72"},
        {"text": "−3", "value": -3.0},
        {"text": "no data"},
    ]


def test_marks_alignment_and_long_tables_are_kept() -> None:
    body = "".join(f"| **{i}** | `a_{i}` |\n" for i in range(90))
    [table] = tables("x", "## H\n\n| n | name |\n| ---: | --- |\n" + body)
    assert (table.align, len(table.rows)) == ("rl", 90)
    assert table.rows[3] == ((Span("3", "strong"),), (Span("a_3", "code"),))
    text = latex.table(table, "Many")
    assert text.count(r"\begin{table}") == 3
    assert text.count("(continued)") == 2
    assert r"\textbf{3} & \texttt{a\_" in text


def test_names_are_one_per_table_and_lead_nowhere() -> None:
    one = "| a |\n| --- |\n| 1 |\n\n"
    found = tables("../x", f"# T\n\n{one}## ../../etc/passwd\n\n{one}{one}## \u202e<script>\n\n{one}")
    names = [table.name for table in found]
    assert names == ["x-summary", "x-etc-passwd", "x-etc-passwd-2", "x-script"]


def test_the_tables_that_the_documentation_names_are_there() -> None:
    told = set(
        re.findall(r"`((?:performance|reliability|resources)-[a-z0-9-]+)`", (ROOT / "tests/README.md").read_text())
    )
    there = {one.name for path in SAMPLES for one in tables(path.stem.removesuffix("_report"), path.read_text())}
    assert len(told) > 10
    assert told <= there, told - there


def a_run(tmp_path: Path, folder: Folder | None = None) -> Path:
    path = (folder or single()).write(tmp_path / "20231114-221320-single")
    write_performance_report([path], path / "performance_report.md")
    return path


def test_a_run_s_paper_has_every_table_figure_and_what_it_takes_to_repeat_it(tmp_path: Path) -> None:
    folder = a_run(tmp_path)
    paper = write_paper(folder)
    names = [table.name for table in tables("performance", (folder / "performance_report.md").read_text())]
    assert {path.stem for path in (paper / "tables").glob("*.csv")} == set(names)
    assert {path.stem for path in (paper / "tables").glob("*.json")} == set(names)
    for suffix in ("svg", "pdf"):
        drawn = {path.stem for path in (paper / "figures").glob(f"*.{suffix}")}
        assert drawn == {"performance_response", "performance_time", "performance_waterfall"}
    told = json.loads((paper / "manifest.json").read_text())
    assert told["commands"] == ["make scenario NAME=single SEED=7 JOBS=60"]
    assert told["evidence"].keys() == {"run.json", "jobs.jsonl", "queries.json", "result.json"}
    for name, digest in {**told["evidence"], **told["paper"]}.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
    assert "paper/tables/performance-response-time.tex" in told["paper"]
    method = (paper / "methodology.md").read_text()
    for words in ("closed loop, 1 user", "The seed was 7.", "Example CPU, 2 cores", "300 ± 60 ms for the LLM"):
        assert words in method


def test_settings_that_differ_are_in_the_command_and_in_the_method(tmp_path: Path) -> None:
    run = single()
    run.info["workload"] = run.info["workload"] | {"slots": 4, "llm_latency": {"mean": 0.33, "sd": 0.06}}
    run.info["workload_changed"] = ["slots", "llm_latency"]
    paper = write_paper(a_run(tmp_path, run))
    [command] = json.loads((paper / "manifest.json").read_text())["commands"]
    assert command.startswith('T2V_SLOTS=4 T2V_LLM_LATENCY=\'{"mean": 0.33')
    assert "slots = 4" in (paper / "methodology.md").read_text()


def test_what_may_not_be_quoted_says_so_in_every_caption(tmp_path: Path) -> None:
    run = single()
    run.result |= {"verdict": "invalid", "reasons": ["a job is missing"]}
    paper = write_paper(a_run(tmp_path, run))
    for path in (paper / "tables").glob("*.tex"):
        assert "(INVALID)" in path.read_text()
    assert json.loads((paper / "manifest.json").read_text())["runs"][0]["reasons"] == ["a job is missing"]


def test_the_same_run_gives_the_same_bytes(tmp_path: Path) -> None:
    papers = [write_paper(a_run(tmp_path / name)) for name in ("one", "two")]
    contents = [{p.relative_to(paper): p.read_bytes() for p in paper.rglob("*") if p.is_file()} for paper in papers]
    assert contents[0] == contents[1]
    again = write_paper(papers[0].parent)
    assert {p.relative_to(again): p.read_bytes() for p in again.rglob("*") if p.is_file()} == contents[0]


def a_set(tmp_path: Path, name: str, take: int, seeds: Sequence[int] = (1, 2)) -> Path:
    members = [(Member(run=f"{name}.{s}", scenario="single", seed=s), repeat(s, take)) for s in seeds]
    folder = write_set(tmp_path / name, SetKind.REPEATS, members, len(seeds))
    write_repeats(folder)
    return folder


def test_a_set_s_paper_tells_all_its_runs(tmp_path: Path) -> None:
    paper = write_paper(a_set(tmp_path, "base", 1))
    told = json.loads((paper / "manifest.json").read_text())
    assert [run["folder"] for run in told["runs"]] == ["runs/base.1", "runs/base.2"]
    assert told["commands"] == ["make scenario NAME=single SEED=1 REPEAT=2"]
    assert "The seed was 1 or 2." in (paper / "methodology.md").read_text()
    assert (paper / "tables" / "repeats-over-runs.tex").is_file()


def test_a_contrast_s_paper_says_what_was_changed(tmp_path: Path) -> None:
    members = [
        (Member(run=f"r{v}", scenario="single", seed=1, variant=v), repeat(1, take))
        for take, v in enumerate(("", "changed"))
    ]
    folder = write_set(tmp_path / "contrast", SetKind.CONTRAST, members, 1)
    write_contrast(folder)
    told = json.loads((write_paper(folder) / "manifest.json").read_text())
    assert told["commands"] == ["make scenario NAME=single SEED=1 REPEAT=1 WITH=T2V_X=1"]
    assert len(told["runs"]) == 2


def test_a_comparison_s_paper_tells_the_runs_of_both_sides(tmp_path: Path) -> None:
    sides = [a_set(tmp_path, name, take) for take, name in enumerate(("base", "other"))]
    a, b = (run_set(side.name, [side]) for side in sides)
    folder = tmp_path / "comparison"
    folder.mkdir()
    write_comparison(compare(a, b), [], folder, [[sides[0]], [sides[1]]])
    told = json.loads((write_paper(folder) / "manifest.json").read_text())
    assert [run["id"] for run in told["runs"]] == ["run-1-0", "run-2-0", "run-1-1", "run-2-1"]


def test_a_report_of_several_runs_names_them_all(tmp_path: Path) -> None:
    other = single(seed=8)
    other.info |= {"scenario": "components", "id": "20231114-221000-components"}
    first = other.write(tmp_path / "20231114-221000-components")
    last = a_run(tmp_path)
    write_performance_report([first, last], last / "performance_report.md")
    told = json.loads((write_paper(last) / "manifest.json").read_text())
    assert {run["id"] for run in told["runs"]} == {"20231114-221000-components", "20231114-221320-single"}


def test_a_folder_without_a_report_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="make report RUN=20231114-221320-single"):
        write_paper(single().write(tmp_path / "20231114-221320-single"))


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no pdflatex on the PATH")
@pytest.mark.parametrize("path", [None, *SAMPLES], ids=["run", *(path.stem for path in SAMPLES)])
def test_the_sample_compiles_without_a_warning(tmp_path: Path, path: Path | None) -> None:
    folder = a_run(tmp_path)
    if path is not None:
        shutil.copy(path, folder / path.name)
    paper = write_paper(folder)
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "sample.tex"]
    for _ in range(2):  # labels are known from the second time on
        done = subprocess.run(command, cwd=paper, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-2000:]
    log = (paper / "sample.log").read_text(errors="replace")
    assert re.findall(r".*(?:Warning|Overfull|Underfull|Missing).*", log) == []
    assert (paper / "sample.pdf").stat().st_size > 10_000


def test_a_cell_is_its_spans() -> None:
    assert plain((Span("a "), Span("b", "strong"))) == "a b"
